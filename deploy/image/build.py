#!/usr/bin/env python3
"""Builds the OCI image of Ottoscale without a container engine: `build.py BINARY OUTPUT_FOLDER`.

The image holds the binary, exactly the shared libraries that it is linked to, the loader, CA roots, time zones, and the
entries of its user; no shell, no package manager. The folder gets an OCI layout (oci/), and the same as one file
(ottoscale-<version>-<architecture>.tar) that `skopeo copy oci-archive:...`, `podman load` and `ctr image import` read.

The same inputs give the same bytes: names are sorted, owners and times fixed (SOURCE_DATE_EPOCH, or the last commit's).
Two layers: what comes from the distribution, and the binary, so that an update of the program is a small download.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

UID = 65532
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = "usr/bin/ottoscale"
# What the program opens by name at run time. libnss_* are not needed: glibc 2.34 and newer have files and dns built in.
FILES = {"etc/ssl/certs/ca-certificates.crt": "/etc/ssl/certs/ca-certificates.crt"}
ETC = {
    "etc/passwd": f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{UID}:{UID}:nonroot:/home/nonroot:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nnonroot:x:{UID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
FOLDERS = {"home/nonroot": (UID, 0o700), "tmp": (0, 0o1777)}
MEDIA = "application/vnd.oci.image"


def libraries(binary):
    """{path in the image: path here} of the loader and of every library, under the names that the loader looks for."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    if missing := re.findall(r"(\S+) => not found", listed):
        sys.exit(f"{binary}: {', '.join(missing)} not found")
    found = {}
    for line in listed.splitlines():
        if match := re.match(r"\s+(?:\S+ => )?(/\S+) \(0x", line):
            path = match.group(1)
            # Debian has one folder under two names, /lib -> /usr/lib; the image has them merged too.
            found["usr" + path if path.startswith("/lib") else path.lstrip("/")] = os.path.realpath(path)
    return found


def zones():
    """Time zones, without the copies that count leap seconds (right/) and the second copy of everything (posix/)."""
    base = pathlib.Path("/usr/share/zoneinfo")
    for path in sorted(base.rglob("*")):
        top = path.relative_to(base).parts[0]
        if path.is_file() and top not in ("right", "posix"):
            yield str(path.relative_to("/")), os.path.realpath(path)


class Layer:
    """A reproducible tar with gzip around it; folders come by themselves."""

    def __init__(self, epoch):
        self.epoch = epoch
        self.entries = {}

    def _info(self, name, mode, kind=tarfile.REGTYPE, owner=0):
        info = tarfile.TarInfo(name)
        info.mode, info.type, info.mtime, info.uid, info.gid = mode, kind, self.epoch, owner, owner
        return info

    def folder(self, name, owner=0, mode=0o755):
        parts = name.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            self.entries.setdefault(parent, (self._info(parent, 0o755, tarfile.DIRTYPE), b""))
        self.entries[name] = (self._info(name, mode, tarfile.DIRTYPE, owner), b"")

    def file(self, name, content, mode=0o644):
        if "/" in name:
            parent = name.rpartition("/")[0]
            if parent not in self.entries:
                self.folder(parent)
        info = self._info(name, mode)
        info.size = len(content)
        self.entries[name] = (info, content)

    def link(self, name, target):
        info = self._info(name, 0o777, tarfile.SYMTYPE)
        info.linkname = target
        self.entries[name] = (info, b"")

    def pack(self):
        """(bytes of the blob, digest of the tar inside it)."""
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name in sorted(self.entries):
                info, content = self.entries[name]
                tar.addfile(info, io.BytesIO(content))
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as out:
            out.write(plain.getvalue())
        return packed.getvalue(), digest(plain.getvalue())


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def stripped(binary, strip):
    """The binary without what only a debugger reads."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "ottoscale"
        done = subprocess.run([strip, "--strip-all", "-o", copy, binary], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{strip} {binary}: {done.stderr}")
        return copy.read_bytes()


def base_layer(binary, epoch):
    layer = Layer(epoch)
    for name in ("lib", "lib64"):
        layer.link(name, f"usr/{name}")
    for name, source in (libraries(binary) | FILES).items():
        content = pathlib.Path(source).read_bytes()
        layer.file(name, content, 0o755 if content.startswith(b"\x7fELF") else 0o644)
    for name, source in zones():
        layer.file(name, pathlib.Path(source).read_bytes())
    for name, text in ETC.items():
        layer.file(name, text.encode())
    for name, (owner, mode) in FOLDERS.items():
        layer.folder(name, owner, mode)
    return layer


def git(*arguments, default):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else default


def config(version, revision, created, architecture, diffs):
    return {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": f"{UID}:{UID}",
            "Entrypoint": ["/" + BINARY],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "ExposedPorts": {"8080/tcp": {}},
            "Labels": {
                "org.opencontainers.image.title": "ottoscale",
                "org.opencontainers.image.description": "An operator that keeps Heroku dynos at the capacity that traffic needs",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.revision": revision,
                "org.opencontainers.image.created": created,
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.source": "https://github.com/ottoscale/ottoscale",
                "org.opencontainers.image.base.name": "scratch",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": diffs},
        "history": [
            {"created": created, "created_by": "deploy/image/build.py", "comment": comment}
            for comment in ("libraries, CA roots, time zones", "ottoscale")
        ],
    }


class Layout:
    """An OCI image layout in a folder."""

    def __init__(self, folder):
        self.folder = folder
        if folder.exists():
            shutil.rmtree(folder)
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, content, media, **more):
        name = digest(content)
        (self.folder / "blobs" / "sha256" / name.partition(":")[2]).write_bytes(content)
        return {"mediaType": f"{MEDIA}.{media}", "digest": name, "size": len(content)} | more

    def json(self, value, media, **more):
        return self.blob(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), media, **more)

    def index(self, manifest):
        value = {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [manifest]}
        (self.folder / "index.json").write_text(json.dumps(value, sort_keys=True, separators=(",", ":")))

    def archive(self, path, epoch):
        layer = Layer(epoch)
        for item in sorted(self.folder.rglob("*")):
            name = str(item.relative_to(self.folder))
            layer.folder(name) if item.is_dir() else layer.file(name, item.read_bytes())
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in sorted(layer.entries):
                info, content = layer.entries[name]
                tar.addfile(info, io.BytesIO(content))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary")
    arguments.add_argument("output", type=pathlib.Path)
    arguments.add_argument("--strip", default="strip")
    options = arguments.parse_args()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct", default="0"))
    created = subprocess.run(
        ["date", "--utc", f"--date=@{epoch}", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True, check=True
    ).stdout.strip()
    version = re.search(r"project\(ottoscale VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]

    program = Layer(epoch)
    program.file(BINARY, stripped(options.binary, options.strip), 0o755)
    options.output.mkdir(parents=True, exist_ok=True)
    layout = Layout(options.output / "oci")
    layers, diffs = [], []
    for layer in (base_layer(options.binary, epoch), program):
        content, diff = layer.pack()
        layers.append(layout.blob(content, "layer.v1.tar+gzip"))
        diffs.append(diff)
    revision = git("rev-parse", "HEAD", default="unknown")
    config_blob = layout.json(config(version, revision, created, architecture, diffs), "config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": config_blob,
        "layers": layers,
        "annotations": {"org.opencontainers.image.version": version, "org.opencontainers.image.revision": revision},
    }
    layout.index(
        layout.json(
            manifest,
            "manifest.v1+json",
            platform={"architecture": architecture, "os": "linux"},
            annotations={"org.opencontainers.image.ref.name": version},
        )
    )
    archive = options.output / f"ottoscale-{version}-{architecture}.tar"
    layout.archive(archive, epoch)
    size = sum(layer["size"] for layer in layers)
    print(f"{archive}: {size / 2**20:.1f} MiB compressed, {len(layers)} layers")


if __name__ == "__main__":
    main()
