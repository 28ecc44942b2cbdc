# The rules of the house over the sources that are named as arguments (relative paths; the tables first). Prints
# "file:line: what is wrong" for each finding. See check.sh.

function fail(where, what) {
  print where ": " what
  ++problems
}
function folder_of(path) {
  sub(/\/[^\/]*$/, "", path)
  return path
}
# True when `path` is `place` or stands in the folder `place`.
function stands_in(path, place) { return path == place || index(path, place "/") == 1 }

# The file pkg/FLOORS: each folder, and those that it may include, which stand above it.
function read_floor(    floor, i) {
  floor = $1
  if (floor !~ /:$/) {
    fail(FILENAME ":" FNR, "a line is `folder: folders`")
    return
  }
  sub(/:$/, "", floor)
  if (floor in floors) fail(FILENAME ":" FNR, floor " stands twice")
  for (i = 2; i <= NF; ++i) {
    if (!($i in floors)) fail(FILENAME ":" FNR, floor " may not use " $i ": it does not stand above")
    if ((floor, $i) in allowed) fail(FILENAME ":" FNR, floor " names " $i " twice")
    allowed[floor, $i] = 1
  }
  floors[floor] = 1
}

function read_header(    i) {
  ++header_count
  header_prefix[header_count] = $1
  header_name[header_count] = $2
  header_not[header_count] = $3 == "not"
  header_places[header_count] = ""
  for (i = 3 + header_not[header_count]; i <= NF; ++i) header_places[header_count] = header_places[header_count] " " $i
}
# Whether this file may use the library number `n`.
function at_home(n,    places, count, i, inside) {
  count = split(header_places[n], places, " ")
  inside = 0
  for (i = 1; i <= count; ++i) if (stands_in(FILENAME, places[i])) inside = 1
  return header_not[n] ? !inside : inside
}

function foreign(target,    n) {
  if (target ~ /^absl\//) return 1
  for (n = 1; n <= header_count; ++n) if (index(target, header_prefix[n]) == 1) return 1
  return 0
}
function check_include(    target, folder) {
  target = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*"/, "", target)
  sub(/".*/, "", target)
  if (foreign(target)) return
  if (target !~ /^(pkg\/.*\/|test\/.*\/|operator\/)/) {
    fail(FILENAME ":" FNR, "\"" target "\" is not a full path from the root")
    return
  }
  folder = folder_of(target)
  if (folder == own) return
  if (own ~ /^test\//) {  # what crosses the floors
    if (folder ~ /^test\// && folder !~ /^test\/(contracts|fakes)$/) fail(FILENAME ":" FNR, own " may not include " folder)
    return
  }
  if (folder ~ /^test\/(contracts|fakes)$/ && FILENAME ~ /_test\.(cc|h)$/) return
  if (!((own, folder) in allowed)) fail(FILENAME ":" FNR, own " may not include " folder " (pkg/FLOORS)")
}

# The first library in the table whose header this is decides: boost/beast stands before boost/.
function check_library_header(    target, n) {
  target = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", target)
  for (n = 1; n <= header_count; ++n) {
    if (index(target, header_prefix[n]) != 1) continue
    if (!at_home(n)) fail(FILENAME ":" FNR, "<" header_prefix[n] "...> may be included only in" home(n))
    return
  }
}
function home(n) { return (header_not[n] ? " other folders than" : "") header_places[n] }

function check_library_names(code,    n, at, before) {
  for (n = 1; n <= header_count; ++n) {
    if (header_name[n] == "-") continue
    at = index(code, header_name[n])
    if (at == 0) continue
    before = substr(code, 1, at - 1)
    sub(/::$/, "", before)  # ::boost::asio
    if (before ~ /[A-Za-z0-9_>]$/) continue
    if (!at_home(n)) fail(FILENAME ":" FNR, header_name[n] " may be used only in" home(n))
  }
}

# What makes two runs differ. Each pattern stands after something that does not belong to a name.
function reads_the_world(code) {
  return code ~ /(absl::Now|system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday)/ ||
    code ~ /(std::thread|std::jthread|std::async|pthread_create|std::random_device|getenv)/ ||
    code ~ /(^|[^A-Za-z0-9_.>:])(std::|::)?(s?rand|u?sleep|nanosleep|time)\((nullptr|NULL|0|[^)]*[0-9a-z_])?\)/ ||
    code ~ /(sleep_for|sleep_until)/
}

FNR == 1 { own = folder_of(FILENAME) }

FILENAME == "pkg/FLOORS" {
  if ($0 !~ /^#/ && NF > 0) read_floor()
  next
}
FILENAME ~ /^test\/architecture\/(headers|clock_files)$/ {
  if ($0 ~ /^#/ || NF == 0) next
  if (FILENAME ~ /headers$/) {
    read_header()
  } else {
    clock_file[$1] = FILENAME ":" FNR
    if (NF < 2) fail(FILENAME ":" FNR, $1 " has no reason")
  }
  next
}

FNR == 1 {
  ++sources
  if (own !~ /^test\// && !(own in floors)) fail(FILENAME ":1", own " has no line in pkg/FLOORS")
}
/^[ \t]*#[ \t]*include[ \t]*"/ { check_include() }
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
  check_library_header()
  next
}
{
  code = $0
  sub(/(^|[ \t])\/\/.*/, "", code)
  if (code ~ /^[ \t]*$/) next
  check_library_names(code)
  if (!reads_the_world(code)) next
  if (FILENAME in clock_file) {
    clock_used[FILENAME] = 1
  } else {
    fail(FILENAME ":" FNR, "reads a clock, the environment or chance, sleeps or starts a thread (test/architecture/clock_files)")
  }
}

END {
  for (file in clock_file) {
    if (!(file in clock_used)) fail(clock_file[file], file " is not there or needs none of this any more: take it out")
  }
  printf "%d sources, %d problems\n", sources, problems
  exit problems > 0
}
