#!/usr/bin/env bash
# The image, unpacked and run: `image_test.sh BINARY`. No container engine; the root file system is read-only, the user is
# 65532, and only what is in the layers is there. Needs root or unprivileged user namespaces.
set -eu
binary=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2 && exit 1; }

echo "builds the same bytes twice"
"$here/build.py" "$binary" "$work/one"
"$here/build.py" "$binary" "$work/two" >"$work/log"
cmp "$work"/one/*.tar "$work"/two/*.tar || fail "two builds differ"

echo "is a valid OCI layout, within its budget"
python3 - "$work/one/oci" "$work/root" <<'PY'
import gzip, hashlib, io, json, pathlib, re, subprocess, sys, tarfile

layout, root = map(pathlib.Path, sys.argv[1:])
root.mkdir()
def blob(entry):
    content = (layout / "blobs/sha256" / entry["digest"].split(":")[1]).read_bytes()
    assert len(content) == entry["size"] and hashlib.sha256(content).hexdigest() == entry["digest"].split(":")[1], entry
    return content
assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
index = json.loads((layout / "index.json").read_text())
manifest = json.loads(blob(index["manifests"][0]))
config = json.loads(blob(manifest["config"]))
assert config["config"]["User"] == "65532:65532", config
assert config["config"]["Entrypoint"] == ["/usr/bin/ottoscale"], config
assert sum(layer["size"] for layer in manifest["layers"]) <= 40 * 2**20, "above 40 MiB"
names = []
for layer, diff in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
    plain = gzip.decompress(blob(layer))
    assert "sha256:" + hashlib.sha256(plain).hexdigest() == diff
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        assert tar.getnames() == sorted(tar.getnames()), "not sorted"
        names += tar.getnames()
        tar.extractall(root, numeric_owner=True)
allowed = ("usr", "lib", "lib64", "etc", "home", "tmp")
assert {name.split("/")[0] for name in names} == set(allowed), names
programs = [name for name in names if "/bin/" in name or "/sbin/" in name]
assert programs == ["usr/bin/ottoscale"], f"more programs than one: {programs}"
shells = [name for name in names if name.rsplit("/", 1)[-1] in ("sh", "bash", "dash", "busybox")]
assert not shells, shells
# Exactly the libraries that some ELF file in the image needs, and nothing else.
elf = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink() and p.read_bytes()[:4] == b"\x7fELF"]
needed = set()
for path in elf:
    text = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", text))
have = {p.name for p in elf} - {"ottoscale"}
loader = {name for name in have if name.startswith("ld-linux")}
assert len(loader) == 1, have
assert needed - have == set() and have - needed - loader == set(), (needed - have, have - needed)
print(f"{len(names)} files and folders, {len(have)} libraries")
PY

# run COMMAND...: inside the unpacked image, all of it read-only, as the image's user, in namespaces of its own.
cat >"$work/run.py" <<'PY'
import ctypes, errno, os, sys
root, arguments = sys.argv[1], sys.argv[2:]
os.chroot(root)
os.chdir("/")
os.setgroups([])
os.setresgid(65532, 65532, 65532)
os.setresuid(65532, 65532, 65532)
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
try:
    open("/tmp/written", "w")
    sys.exit("the root is not read-only")
except OSError as error:
    assert error.errno == errno.EROFS, error
os.execve(arguments[0], arguments, {})
PY
run() {
  unshare --mount --pid --fork --kill-child sh -eu -c '
    root=$1 program=$2
    shift 2
    mount --make-rprivate /
    mkdir -p "$root/proc"
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -o remount,bind,ro,nosuid,nodev "$root"
    exec python3 "$program" "$root" "$@"' sh "$work/root" "$work/run.py" "$@"
}

echo "runs as 65532 on a read-only root: version, validate, demo"
run /usr/bin/ottoscale version | tee "$work/version"
grep -q '^ottoscale [0-9]' "$work/version" || fail "no version"
mkdir -p "$work/root/policies"
cp "$here"/../examples/*.yaml "$work/root/policies/"
run /usr/bin/ottoscale validate /policies/heroku-heartbeat.yaml || fail "the example was not accepted"
run /usr/bin/ottoscale validate /policies/autoscalebot.yaml || fail "no time zones in the image"
printf 'apiVersion: ottoscale.dev/v1alpha1\nkind: ScalingPolicy\nmetadata: {name: x}\nspec: {}\n' >"$work/root/policies/bad.yaml"
if run /usr/bin/ottoscale validate /policies/bad.yaml >"$work/log" 2>&1; then fail "a bad policy was accepted"; fi
run /usr/bin/ottoscale demo --plain --for 5s --metrics-port 0 --api-port 0 >"$work/demo" 2>&1 || { cat "$work/demo"; fail "the demo failed"; }
grep -q 'Ran 5 s' "$work/demo" || { cat "$work/demo"; fail "the demo said nothing"; }

echo "has no shell"
if run /bin/sh -c true 2>"$work/log"; then fail "there is a shell"; fi
echo "image: ok"
