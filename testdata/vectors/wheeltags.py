"""Wheel file names and compatibility tags for record.py."""
import hashlib
import sys
from unittest import mock

from packaging import _manylinux, _musllinux, tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from versions import mutate, random_version, respell


WHEELS = """torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl torch-2.10.0-2-cp312-cp312-manylinux_2_28_x86_64.whl foo-1.0-py2.py3-none-any.whl
Foo.Bar_baz-1.0.post1-cp39-abi3-manylinux1_x86_64.manylinux_2_5_x86_64.whl foo-1.0-1abc-py3-none-any.whl foo-1.0-abc-py3-none-any.whl
foo__bar-1.0-py3-none-any.whl foo-1.0-py3-none.whl foo-1.0-py3-none-any foo-1.0-py3-none-any.WHL foo-x-py3-none-any.whl foo-1.0-py3--any.whl
foo-1.0-py3.-none-any.whl foo-1.0-3py-none-any.whl -1.0-py3-none-any.whl foo--py3-none-any.whl foo-1.0-1-2-py3-none-any.whl f-o-1.0-py3-none-any.whl
foo-1!2.0-py3-none-any.whl foo-1.0-0-cp313-cp313t-musllinux_1_2_aarch64.whl foo-1.0--py3-none-any.whl foo-1_0-py3-none-any.whl foo-v1.0-py3-none-any.whl
foo+x-1.0-py3-none-any.whl Ünï-1.0-py3-none-any.whl foo-1.0_1-py3-none-any.whl foo-1.0-00012_a.b-py3-none-any.whl .whl foo.whl
foo-1.0-py3-none-any.whl.whl FOO-1.0-PY3-NONE-ANY.whl foo-1.0-py3-none-any-.whl foo-1.0-py3..py2-none-any.whl foo-1.0-py3-none-.any.whl foo-1.0-²-py3-none-any.whl
foo-1.0-٣-py3-none-any.whl foo-1.0-py٣-none-any.whl foo-1.0-٣py-none-any.whl foo-1.0-ⅷ-none-any.whl foo-1.0-a·b-none-any.whl foo_-1.0-py3-none-any.whl _-1.0-py3-none-any.whl
...-1.0-py3-none-any.whl foo-١.0-py3-none-any.whl foo-1.0-py3-nöne-any.whl foo-1.0-p+y-none-any.whl foo-1.0-py3-n+one-a%ny.whl foo-99999999999999999999-py3-none-any.whl""".split()


def wheels(r, scale):
    rows = dict.fromkeys(WHEELS)
    for _ in range(400 * scale):
        dotted = lambda xs: ".".join(r.sample(xs, r.choice([1, 1, 2])))
        parts = [r.choice(["torch", "Foo_Bar", "zope.interface", "a", "nvidia_cublas_cu12", "Ruamel.Yaml.CLIB", "a_.b", "PyYAML", "_x"]), r.choice([str, str, lambda v: respell(r, v).strip().replace("-", "_")])(random_version(r))]
        if r.random() < 0.2:
            parts.append(r.choice(["1", "2", "10", "0a", "3_post", "007", "1.2", "20240101cu124"]))
        parts += [dotted(["py3", "py2", "cp311", "cp39", "cp313"]), dotted(["none", "abi3", "cp311", "cp313t"]),
                  dotted(["any", "linux_x86_64", "manylinux_2_28_x86_64", "manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_aarch64", "musllinux_1_1_x86_64", "win_amd64"])]
        s = "-".join(parts) + ".whl"
        rows[s] = None
        if r.random() < 0.4:
            rows[mutate(r, s)] = None
    out = []
    for s in rows:
        if "/" in s or any(c < " " for c in s):
            continue
        try:
            name, version, build, ts = parse_wheel_filename(s)
            out.append([s, [name, str(version), list(build), sorted(map(str, ts))]])
        except InvalidWheelFilename:
            out.append([s, None])
    return out


def target_tags(minor, threaded, machine, glibc, musl):
    """sys_tags as a CPython 3.minor on that system would compute it."""
    config = {"Py_GIL_DISABLED": int(threaded), "Py_DEBUG": 0, "py_version_nodot": f"3{minor}"}
    with mock.patch("sysconfig.get_platform", lambda: "linux-" + machine), \
            mock.patch.object(_manylinux, "_get_glibc_version", lambda: _manylinux._GLibCVersion(*(glibc or (-1, -1)))), \
            mock.patch.object(_manylinux, "_get_manylinux_module", lambda: None), \
            mock.patch.object(_musllinux, "_get_musl_version", lambda exe: musl and _musllinux._MuslVersion(*musl)), \
            mock.patch.object(tags, "_get_config_var", lambda name, warn=False: config.get(name)), \
            mock.patch.object(tags, "interpreter_name", lambda: "cp"), \
            mock.patch.object(sys, "version_info", (3, minor, 0)):
        return [str(t) for t in tags.sys_tags()]


def tagfile(r, scale):
    """tags.json.gz: wheels: [[file name, null or [name, version, build, tags]]]; targets:
    [[minor, threaded, machine, glibc, musl, number of tags, sha256 of the lines,
    first and every 97th tag]]; builds: build tags in order."""
    targets = []
    for minor in range(9, 15):
        for threaded in (False, True):
            for machine in ("x86_64", "aarch64"):
                libcs = [((2, n), None) for n in range(4, 41)]
                libcs += [(None, (1, n)) for n in range(0, 6)] + [((3, 1), None), (None, (2, 1)), (None, None)]
                for glibc, musl in libcs:
                    ts = target_tags(minor, threaded, machine, glibc, musl)
                    digest = hashlib.sha256("\n".join(ts).encode()).hexdigest()
                    targets.append([minor, threaded, machine, list(glibc or (0, 0)), list(musl or (0, 0)), len(ts), digest, ts[::97]])
    builds = ["", "0", "00a", "1", "1_a", "1a", "01b", "2", "10", "10_x", "99999999999999999999", "100000000000000000000a"]
    key = lambda b: parse_wheel_filename(f"x-1-{b}-py3-none-any.whl")[2] if b else ()
    return {"wheels": wheels(r, scale), "targets": targets, "builds": sorted(builds, key=key)}
