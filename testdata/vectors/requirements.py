"""Requirements and environment markers for record.py."""
import glob
import json
import os

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidName, canonicalize_name

from versions import OPS, mask, mutate, random_version, respell


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


def odd_atom(r):
    """What the grammar allows beside a variable and a literal: two variables, two
    literals (packaging looks the right one up), escapes in the literal."""
    name = r.choice(list(LITERALS))
    literal = r.choice(LITERALS[name])
    left, right = r.choice([(name, r.choice(list(LITERALS))), (f"'{literal}'", f'"{name}"'), (name, "extras"), (f"'{literal}'", "'not_there'"),
                            (name, "'" + "".join(f"\\x{ord(c):02x}" if r.random() < 0.5 else c for c in literal) + r.choice(["", "\\n", "\\q", "\\101", '"', "\\'"]) + "'")])
    return left + " " + r.choice(["==", "!=", "in", "not in", "<=", ">", "~=", "==="]) + " " + right


UNKNOWN = """python_versions python_ver pythonversion PYTHON_VERSION Python_version python-version python.version python_full python_fullversion os os_names os-name osname
OS_NAME sys_platforms sys sysplatform sys-platform platform platform_ platform_machines platform.release platform.system platform_implementation implementation implementation.name
implementation_names python_implementations extras dependency_groups dependency_group Extra EXTRA extra_ extra1 extr machine glibc cuda cuda_version libc variant_namespaces
variant_features x _extra \u0435xtra os_n\u0430me""".split()


def unknown(r):
    """A marker with a variable that does not exist, alone or among others."""
    name, literal = r.choice(UNKNOWN), r.choice(["'x'", '"3.9"', "''"])
    left, right = r.choice([(name, literal), (literal, name)])
    s = left + " " + r.choice(["==", "!=", "in", "not in", ">=", "<"]) + " " + right
    other = "~="
    while "~=" in other or "===" in other:  # those may be wrong in themselves
        other = marker(r, 3)
    return r.choice([s, s, f"{s} {r.choice(['and', 'or'])} {other}", f"{other} {r.choice(['and', 'or'])} ({s})"])


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


def text(of):
    """str(of), or "" where a literal makes packaging's text no way back."""
    try:
        s = str(of)
        return "" if "\\" in s or any(c < " " and c != "\t" for c in s) or str(Marker(s)) != s else s
    except ValueError:
        return ""


def markers(r, scale):
    """markers.json.gz: envs, extras, markers: [[text, str() ("" where it is no way
    back) or null, answers]]: one of T F E (evaluation raises) per env and extra,
    envs outermost; unknown: texts with a variable that does not exist."""
    texts = dict.fromkeys(BAD_MARKERS + ["'x'in sys_platform", "os_name=='posix'and'3'<python_version", "extra=='x'", "(((extra == 'dev')))"])
    while len(texts) < 2000 * scale:
        m = odd_atom(r) if r.random() < 0.06 else marker(r)
        if len(m) < 300:
            texts[m] = None
            if r.random() < 0.15:
                texts[mutate(r, m)] = None
    missing = dict.fromkeys(unknown(r) for _ in range(200 * scale))
    out = []
    for s in texts:
        try:
            m = Marker(s)
        except InvalidMarker:
            out.append([s, None, ""])
            continue
        out.append([s, text(m), answers(m)])
    for s in missing:
        try:
            assert set(answers(Marker(s))) == {"E"}, s
        except InvalidMarker:
            pass
    return {"envs": ENVS, "extras": EXTRAS, "markers": out, "unknown": list(missing)}


REQUIREMENTS = """torch (==2.11.0)|cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"|foo @ https://index.test/foo-1.0-py3-none-any.whl
foo@https://index.test/x.whl ; python_version<"3"|foo @ https://index.test/x.whl;python_version<"3"|pytest; extra=='x'|pytest ; extra == 'Foo_Bar'
A.B_c[D-e,f.G , d_e]>=1.0,<2.0,!=1.5.*|foo()|foo ( )|foo[]|foo[ ]|foo[a,]|foo[,a]|foo[a b]|foo[a|foo]|foo>=1.0,|foo(>=1.0,)|foo ,|foo>=1,,<2
foo===1.0,>=2|foo === weird-1;python_version>'3'|foo~=1|foo~=1.0.*|foo>=1.0.*|foo>1+local|foo==1.0+local.1|foo>=dev|foo;|foo ;  |foo bar|-foo|foo-|foo_|foo.|_foo
foo>=1 <2|foo(>=1|foo>=1)|foo[a]>=1 ; (os_name=='nt' or os_name=='posix') and extra=='z'|foo @|foo @ x y|  foo  |foo\t>=\t1|fooé|foo[é]|3foo|f|numpy>=1.21,<2;python_version<'3.12'
typing-extensions>=4.0 ; python_version < "3.8" or ( python_version >= "3.9" and extra == "all" )|foo==1.*|foo!=1!2.*|foo (>=1.0 , <2.0) ; os.name=="posix"|foo>=1\n""".replace("\n", "|").split("|")


URLS = ["https://index.test/x/{n}-1.0-py3-none-any.whl", "https://u:p@index.test:8443/a%20b/{n}.whl#sha256=00&egg={n}", "file:///w/{n}.whl", "file:../{n}.whl",
        "git+https://index.test/{n}.git@v1.0#subdirectory=a", "./{n}.whl", "https://index.test/{n}.whl;x=1", "https://[::1]/{n}?q=a,b;c", "\u00fcrl", "https://index.test/{n}.whl?os_name=='nt'", "#"]


def url(r):
    n = name(r)
    s = n + r.choice(["", "[x]", "[x, Y_z]", " [b,a]"]) + r.choice([" @ ", "@", " @", "@ ", "\t@  "]) + r.choice(URLS).format(n=n)
    if r.random() < 0.5:
        s += r.choice([" ; ", " ;", ";", "  ; ", "\t;"]) + marker(r)
    return s + r.choice(["", "", "", " ", " x"])


def name(r):
    if r.random() < 0.5:
        return r.choice(["torch", "Foo.Bar", "a_b", "x", "nvidia-cuda-runtime-cu12", "A--b", "3to2", "zope.interface", "ruamel.yaml.clib"])
    return "".join(r.choice("abcXYZ019-_.") for _ in range(r.randrange(1, 12)))


def odd_name(r):
    """A name, or what comes close to one, with extras that come close to some."""
    whole = lambda: name(r).strip("-_.") + r.choice(["", "", "_", "9"]) or "x"
    broken = lambda: r.choice([name(r), mutate(r, name(r)), name(r) + "\u00e9", name(r) + "\u0663"])
    one = lambda: whole() if r.random() < 0.85 else broken()
    s = one() + r.choice(["", " "]) + "[" + r.choice([",", ", ", " ,", ",\t"]).join(one() for _ in range(r.randrange(4)))
    return s + r.choice(["]"] * 12 + ["", ",]", "]]", " x]"]) + r.choice(["", ">=1", " ; os_name == 'nt'"])


def clauses(r):
    s = name(r) + r.choice(["", "", "[x]", "[x, Y_z]", " [b,a,b]"])
    some = [r.choice(OPS) + r.choice(["", " "]) + respell(r, random_version(r)).strip() for _ in range(r.choice([0, 1, 1, 2, 3]))]
    spec = r.choice([",", ", ", " , "]).join(some)
    s += r.choice(["", " "]) + (f"({spec})" if r.random() < 0.3 else spec)
    if r.random() < 0.5:
        s += r.choice([";", " ; ", "; "]) + marker(r)
    return s


def real():
    """Every Requires-Dist and Requires-Python of the recorded index."""
    requires, pythons = {}, {}
    for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "index", "simple", "*.json"))):
        with open(path, encoding="utf-8") as f:
            page = json.load(f)
        requires.update(dict.fromkeys(page["requires"]))
        pythons.update(dict.fromkeys(f.get("metadata", {}).get("requires-python") or f.get("requires-python", "") for f in page["files"]))
    return list(requires), list(pythons)


PYTHONS = [f"3.{minor}.{patch}" for minor in range(6, 16) for patch in (0, 1, 9, 21)] + ["2.7.18", "3.13.0rc1", "3.14.0a7", "3.14.0rc1", "4.0.0"]


def requires_python(r, scale, recorded):
    texts = dict.fromkeys(recorded)
    for _ in range(200 * scale):
        low, high = sorted(r.sample(range(6, 16), 2))
        end = lambda: r.choice(["", ".0", ".1", ".9", ".*" if r.random() < 0.1 else ".2", "a1", "rc1", ".dev0"])
        texts[r.choice([f">=3.{low}{end()},<3.{high}{end()}", f">=3.{low},<4{end()}", f"<=3.{high}{end()}", f">3.{low}{end()}, <=3.{high}.*", f"~=3.{low}{end()}",
                        f">=3.{low},!=3.{high}.*", f"==3.{high}.*", f">=3.{low},<=3.{high}{end()}", f"<3.{high}", f"3.{low}", f">=3.{low} <3.{high}", f"(>=3.{low})", f">='3.{low}'"])] = None
    out = []
    for s in texts:
        try:
            ss = SpecifierSet(s)
            out.append([s, mask(ss.contains(v, prereleases=True) for v in PYTHONS)])
        except InvalidSpecifier:
            out.append([s, None])
    return {"pythons": PYTHONS, "specs": out}


def requirements(r, scale):
    """requirements.json.gz: requirements: [[kind, text, null]] or [[kind, text, [name,
    extras, specifier, url, marker, answers]]] with name and extras normalised, marker
    and answers as in markers; names: [[text,
    normalised, is a name]]; python: Requires-Python:
    pythons, specs: [[text, null or a mask of the pythons it admits]]."""
    lines, pythons = real()
    rows = {s: "fixed" for s in REQUIREMENTS + ["foo>=1\n"]}
    for kind, make, count in (("clauses", clauses, 500), ("URL", url, 300), ("name and extras", odd_name, 300)):
        for _ in range(count * scale):
            s = make(r)
            rows.setdefault(s, kind)
            if r.random() < 0.4:
                rows.setdefault(mutate(r, s), kind)
    rows.update({s: "real" for s in r.sample(lines, min(len(lines), 500 * scale))})
    out = []
    for s, kind in rows.items():
        try:
            q = Requirement(s)
            [x._canonical_spec for x in q.specifier]
        except (InvalidRequirement, AssertionError):
            out.append([kind, s, None])
            continue
        extras = sorted({canonicalize_name(e) for e in q.extras})
        out.append([kind, s, [canonicalize_name(q.name), extras, str(q.specifier), q.url or "", text(q.marker) if q.marker else "",
                              answers(q.marker) if q.marker else ""]])
    names = {n: None for n in ["Django", "oslo.concurrency", "a__b--c..d", "A-_.B", "zope.interface", "", "-", "_x_", "\u00c0B", "x"]}
    names.update(dict.fromkeys(r.choice([name(r), mutate(r, name(r))]) for _ in range(150 * scale)))
    return {"requirements": out, "names": [[n, canonicalize_name(n), check_name(n)] for n in names], "python": requires_python(r, scale, pythons)}


def check_name(n):
    try:
        canonicalize_name(n, validate=True)
        return True
    except InvalidName:
        return False
