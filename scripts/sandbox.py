#!/usr/bin/env python3
"""Start-up of a command in a root folder: chroot, our sandbox and runc.

    scripts/sandbox.py [--runs N] [--wheelwright 'COMMAND LINE …']

Measures a static `true` in the same root by hyperfine, one after the other in
the same run, as root, and prints a table of milliseconds with the ratio to
chroot and to runc. Our sandbox runs from the package's test binary; the whole
program can be measured beside it (`wheelwright run … -- true`). Needs root,
go, hyperfine, chroot and runc.
"""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent


def build(work):
    env = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-buildvcs=false")
    (work / "true.go").write_text("package main\n\nfunc main() {}\n")
    subprocess.run(["go", "build", "-o", work / "true", work / "true.go"], check=True, env=env)
    # The test binary acts as a caller of the package under the name probe.
    subprocess.run(["go", "test", "-c", "-o", work / "probe", "./images/rootfs/sandbox"], check=True, env=env, cwd=HERE)


def lay_out(root, program):
    for d in ("bin", "dev", "etc", "home/me", "proc", "run", "sys", "tmp", "var/tmp"):
        (root / d).mkdir(parents=True)
    (root / "etc/hosts").touch()  # where a mount stands, so that nothing is built again for it
    shutil.copy(program, root / "bin/true")


def bundle(work, root):
    """A runc bundle for the same root with what `runc spec` gives."""
    folder = work / "bundle"
    folder.mkdir()
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    spec = json.loads((folder / "config.json").read_text())
    spec["process"].update(terminal=False, args=["/bin/true"])
    spec["root"] = {"path": str(root), "readonly": True}
    (folder / "config.json").write_text(json.dumps(spec))
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--wheelwright", help="a whole `wheelwright run … -- true` to measure beside")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="sandbox-bench-"))
    try:
        os.chmod(work, 0o755)
        root = work / "root"
        build(work)
        lay_out(root, work / "true")
        rows = {
            "chroot": ["chroot", str(root), "/bin/true"],
            "sandbox": [str(work / "probe"), "run", str(root), "/bin/true"],
            "runc": ["runc", "--root", str(work / "state"), "run", "--bundle", str(bundle(work, root)), f"bench-{os.getpid()}"],
        }
        if options.wheelwright:
            rows["wheelwright run"] = shlex.split(options.wheelwright)
        command = ["hyperfine", "-N", "--warmup", "5", "--runs", str(options.runs), "--export-json", str(work / "out.json")]
        for name, line in rows.items():
            command += ["--command-name", name, shlex.join(line)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times = {r["command"]: r for r in json.loads((work / "out.json").read_text())["results"]}
        print(f"{'':16} {'median ms':>10} {'min ms':>8} {'of chroot':>10} {'of runc':>8}")
        for name, r in times.items():
            print(f"{name:16} {r['median'] * 1e3:10.1f} {r['min'] * 1e3:8.1f} "
                  f"{r['median'] / times['chroot']['median']:10.1f} {r['median'] / times['runc']['median']:8.2f}")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
