"""Requirements and environment markers for record.py."""
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from versions import OPS, mutate, random_version, respell


def environment(full, machine, **more):
    env = {"implementation_name": "cpython", "implementation_version": full, "os_name": "posix", "platform_machine": machine,
           "platform_python_implementation": "CPython", "platform_release": "", "platform_system": "Linux", "platform_version": "",
           "python_full_version": full, "python_version": ".".join(full.split(".")[:2]), "sys_platform": "linux"}
    return {**env, **more}


ENVS = [environment("3.11.0", "x86_64"), environment("3.9.21", "aarch64"), environment("3.14.0rc1", "x86_64"),
        environment("3.12.4", "x86_64", platform_release="6.1.0-13-amd64", platform_version="#1 SMP Debian 6.1.55-1"),
        environment("3.10.2", "x86_64", platform_release="5.15", sys_platform="darwin", platform_system="Darwin", os_name="nt")]
EXTRAS = ["", "dev", "a-b", "cuda"]
LITERALS = {
    "python_version": ["3", "3.8", "3.9", "3.10", "3.11", "3.12", "3.*", "3.11.*", "2.7", "3.11.0", "4", "3.8 3.9 3.11", "3.9,3.10", "", "x", " 3.11 ", "=3.9"],
    "python_full_version": ["3.11.0", "3.9.21", "3.9", "3.14.0rc1", "3.14.0", "3.12.*", "3.11.0+local", "3.8.1"],
    "implementation_version": ["3.11", "3.12.4", "3.9.*", "x"],
    "platform_release": ["", "5", "5.15", "6.1.0-13-amd64", "4.4.0-generic", "6"],
    "platform_version": ["", "#1 SMP", "1.0", "Debian"],
    "platform_machine": ["x86_64", "aarch64", "x86_64 aarch64", "arm64", "AMD64", ""],
    "platform_system": ["Linux", "Windows", "Darwin", "linux"],
    "sys_platform": ["linux", "win32", "darwin", "linux2", "linux darwin", ""],
    "os_name": ["posix", "nt", "java"],
    "platform_python_implementation": ["CPython", "PyPy", "cpython"],
    "implementation_name": ["cpython", "pypy"],
    "extra": ["dev", "a_b", "A.B", "cuda", "test", "", "dev,cuda"],
}
SPELLINGS = {"os_name": ["os_name", "os.name"], "sys_platform": ["sys_platform", "sys.platform"],
             "platform_version": ["platform_version", "platform.version"], "platform_machine": ["platform_machine", "platform.machine"],
             "platform_python_implementation": ["platform_python_implementation", "platform.python_implementation", "python_implementation"]}


def atom(r):
    name = r.choice(list(LITERALS) + ["python_version", "extra", "sys_platform"])
    q = r.choice("\"'")
    value = q + r.choice(LITERALS[name]) + q
    op = r.choice(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "==", "in"] + (["~=", "==="] if r.random() < 0.5 else []))
    var = r.choice(SPELLINGS.get(name, [name]))
    left, right = (value, var) if r.random() < 0.3 else (var, value)
    gap = r.choice([" ", " ", "  ", "\t"]) if op[-1] == "n" else r.choice(["", " ", " "])
    return left + gap + op.replace(" ", r.choice([" ", "  "])) + gap + right


def marker(r, depth=0):
    kind = r.random()
    if depth > 3 or kind < (0.35 if depth == 0 else 0.6):
        return atom(r)
    if kind < 0.7:
        return "(" + r.choice(["", " "]) + marker(r, depth + 1) + r.choice(["", " "]) + ")"
    return f" {r.choice(['and', 'or'])} ".join(marker(r, depth + 1) for _ in range(r.choice([2, 2, 3])))


BAD_MARKERS = ["", "python_version", "python_version >=", "python_version >= 3.8", "'a'", "'a' == 'b'", "unknown == 'x'", "python_versio > '3'",
               "python_version_x > '3'", "(python_version > '3'", "python_version > '3')", "python_version > '3' and", "and python_version > '3'",
               "python_version > '3' os_name == 'nt'", "python_version > '3\"", "python_version => '3'", "python_version notin '3'",
               "python_version not '3'", "not python_version == '3'", "python_version > '3' AND os_name == 'nt'", "extras == 'x'", "'x' in extras",
               "os_name ~= 'nt'", "os_name === 'nt'", "python_version ~= '3'", "python_version ~= 'x'", "platform.release == '5'",
               "python_version > '3';", "'linux' in sys_platformx", "'x'insys_platform", "()", "os_name == 'a\nb'"]


def answers(m):
    out = ""
    for env in ENVS:
        for extra in EXTRAS:
            try:
                out += "FT"[m.evaluate({**env, "extra": extra})]
            except Exception:
                out += "E"
    return out


def markers(r, scale):
    """markers.json.gz: envs, extras, markers: [[text, str() or null, answers]]: one of
    T F E (evaluation raises) per env and extra, envs outermost."""
    texts = dict.fromkeys(BAD_MARKERS + ["'x'in sys_platform", "os_name=='posix'and'3'<python_version", "extra=='x'", "(((extra == 'dev')))"])
    while len(texts) < 1200 * scale:
        m = marker(r)
        if len(m) < 300:
            texts[m] = None
            if r.random() < 0.15:
                texts[mutate(r, m)] = None
    out = []
    for s in texts:
        try:
            m = Marker(s)
        except Exception:
            out.append([s, None, ""])
            continue
        if "\\" in s:
            continue
        out.append([s, str(m), answers(m)])
    return {"envs": ENVS, "extras": EXTRAS, "markers": out}


REQUIREMENTS = """torch (==2.11.0)|cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"|foo @ https://index.test/foo-1.0-py3-none-any.whl
foo@https://index.test/x.whl ; python_version<"3"|foo @ https://index.test/x.whl;python_version<"3"|pytest; extra=='x'|pytest ; extra == 'Foo_Bar'
A.B_c[D-e,f.G , d_e]>=1.0,<2.0,!=1.5.*|foo()|foo ( )|foo[]|foo[ ]|foo[a,]|foo[,a]|foo[a b]|foo[a|foo]|foo>=1.0,|foo(>=1.0,)|foo ,|foo>=1,,<2
foo===1.0,>=2|foo === weird-1;python_version>'3'|foo~=1|foo~=1.0.*|foo>=1.0.*|foo>1+local|foo==1.0+local.1|foo>=dev|foo;|foo ;  |foo bar|-foo|foo-|foo_|foo.|_foo
foo>=1 <2|foo(>=1|foo>=1)|foo[a]>=1 ; (os_name=='nt' or os_name=='posix') and extra=='z'|foo @|foo @ x y|  foo  |foo\t>=\t1|fooé|foo[é]|3foo|f|numpy>=1.21,<2;python_version<'3.12'
typing-extensions>=4.0 ; python_version < "3.8" or ( python_version >= "3.9" and extra == "all" )|foo==1.*|foo!=1!2.*|foo (>=1.0 , <2.0) ; os.name=="posix"|foo>=1\n""".replace("\n", "|").split("|")


def requirements(r, scale):
    """requirements.json.gz: requirements: [[text, null]] or [[text, [name, extras,
    specifier, url, marker, answers]]] with name and extras normalised and answers as
    in markers; names: [[text, normalised]]."""
    texts = dict.fromkeys(REQUIREMENTS + ["foo>=1\n"])
    for _ in range(500 * scale):
        name = r.choice(["torch", "Foo.Bar", "a_b", "x", "nvidia-cuda-runtime-cu12", "A--b"])
        s = name + r.choice(["", "", "[x]", "[x, Y_z]", " [b,a,b]"])
        clauses = [r.choice(OPS) + r.choice(["", " "]) + respell(r, random_version(r)).strip() for _ in range(r.choice([0, 1, 1, 2, 3]))]
        spec = r.choice([",", ", ", " , "]).join(clauses)
        s += r.choice(["", " "]) + (f"({spec})" if r.random() < 0.3 else spec)
        if r.random() < 0.5:
            s += r.choice([";", " ; ", "; "]) + marker(r)
        texts[s] = None
        if r.random() < 0.5:
            texts[mutate(r, s)] = None
    out = []
    for s in texts:
        if "\\" in s:
            continue
        try:
            q = Requirement(s)
            [x._canonical_spec for x in q.specifier]
        except (InvalidRequirement, AssertionError):
            out.append([s, None])
            continue
        extras = sorted({canonicalize_name(e) for e in q.extras})
        out.append([s, [canonicalize_name(q.name), extras, str(q.specifier), q.url or "", str(q.marker) if q.marker else "",
                        answers(q.marker) if q.marker else ""]])
    names = ["Django", "oslo.concurrency", "a__b--c..d", "A-_.B", "zope.interface", "", "-", "_x_", "ÀB", "x"]
    return {"requirements": out, "names": [[n, canonicalize_name(n)] for n in names]}
