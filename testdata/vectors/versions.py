"""Versions and version specifiers for record.py."""
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import Version

OPS = ["~=", "==", "!=", "<=", ">=", "<", ">"]


def parsed(text):
    try:
        return Version(text)
    except ValueError:  # InvalidVersion, or a number of more digits than int() takes
        return None


FIXED = """0 0.0 1 1.0 1.0.0.0 2.6.0 0.0.1 1.2.3 10.20.30.40 2024.10.0 3.11 1!1.0 1!0 2!2.6
1.0a1 1.0b2 1.0rc1 1.0.dev3 1.0a1.dev2 1.0a1.post2 1.0rc2.post1.dev3 1.0.post0 1.0.post1
1.0.post1.dev2 2.6.0+cu124 2.6.0+cu92 1.0+abc.1 1.0.post1+local.7 1!1.0.dev1 0.dev0 0a0
1.9 1.10 0.9.9 1.0.0rc0 4.51.3 2.0.0.post3 18446744073709551615 1.18446744073709551615
1.0.dev20241101123456789012 99999999999999999999!1.100000000000000000000 1.99999999999999999999.0""".split()

# What a hostile reader tries: valid or not, packaging says.
VERSIONS = ["1.0-1", "1.0+ABC.01", "1!0", "1!0.0.0", "01.002.0003", "0!1.0", "00!01.0", "1." * 300 + "1", "1" * 400, "1" * 4300, "1" * 4301, "0" * 4301, "1.0+" + "9" * 4301,
            "1.0+" + "a" * 500, "1.0.post" + "9" * 40, "1.0a" + "0" * 40 + "1", "9223372036854775807", "9223372036854775808", "18446744073709551616",
            "18446744073709551616.0", "1.0.0.0", "v1.0", "V1.0", "\u00a01.0\u2028", "1.0.0-rc.1", "1.0rc.post", "1.0.DEV", "1-alpha_2-POST.3_dev-4+LOCAL_5-x",
            "1.0+0", "1.0+00.0a.a0", "1.0+1_0", "1.0+1e5", "1.0+x" + ".0" * 50, "\uff11.0", "1.\u0663", "\u0967!1.0", "1.0a\u0661", "1.0.post\uff12", "1.0+\u0664",
            "1.0po\u017ft1", "1.0pre\u0131", "1.0+\u212a", "1.0\u00b2", "\u21680.1", "1_0.0", "+1.0", "-1.0", "1e3", "0x10", "1.0 post1", "1.0\x00", "\ufeff1.0", "1.0+a\n"]
SPECIFIERS = ["", " ", ",", ",,", " , ,", "~=1", "~=1.0", "~=1!1", "~=1!1.0", "~=1.0.post1", "~=1.0.dev1", "~=1.0+x", "~=1.0.*", "== 1.0 , != 1.1", ">=1.0.dev0+local", "==1.0.*+x", "==1.0+x.*",
              "==1.0.dev0.*", "==1.0a1.*", "==1.*.0", "==*", "==.*", "!=1!2.*", "==v1.*", "==1.0.0.*", "==01.*", "==  1.*", "==1 .*", "==1. *", ">1.*", "<=1.0.*", "===1.0.*", "===", "=== ", "===,",
              "===1.0,", "===a;b", "===a)b", "===a b", "=== \u00a0x", "===\u00dfX", "= 1.0", "=1.0", "= =1.0", "> =1.0", "><1.0", "<>1.0", "!1.0", "~1.0", "^1.0", "1.0", ">=", ">=,<2", ">=1.0<2", ">=1.0 <2",
              ">=1.0;", ">=\uff11.0", "==1.\u0663", "~=\u0661.\u0660", "<1.0\u00b2", "~=1.0po\u017ft1", ">=1.0po\u017ft1", "==1.0+\u0661", ">=" + "9" * 40, "==" + "9" * 40 + ".*", "~=1." + "9" * 40,
              ">=" + "1." * 200 + "1", "\u2028>=1.0\u3000", ">=\x1f1.0", ">=\t\n1.0", ">=1.0\x00", "(>=1.0)", "()", "(>=1.0", ">=1.0)", "((>=1.0))", ">=1.0,(<2)", "[>=1.0]", '">=1.0"',
              ">=2.0,<1.0", ">=1.0,>=1.0.0,>=1", "~=1.0,~=1.0.0", "==1.0,===1.0", "!=1.0,!=1.0", "<1.0.post1", "<1.0.post1.dev2", ">1.0.dev1", ">1.0a1", "<0.dev0", "<0", ">=0.dev0", ">=1.0-1", "==1.0-1", "==1.0-1.*"]


def random_version(r):
    n = lambda: str(r.choice([0, 0, 1, 1, 2, 3, 9, 10, 11, 99, 2024, r.randrange(10**6)]) if r.random() < 0.99 else r.choice([2**63, 2**64 - 1, 2**64, 10**20]))
    v = ".".join(n() for _ in range(r.choice([1, 2, 2, 3, 3, 3, 4, 5])))
    if r.random() < 0.12:
        v = r.choice("0123") + "!" + v
    if r.random() < 0.3:
        v += r.choice(["a", "b", "rc"]) + n()
    if r.random() < 0.25:
        v += ".post" + n()
    if r.random() < 0.2:
        v += ".dev" + n()
    if r.random() < 0.15:
        v += "+" + local(r)
    return v


def local(r):
    return ".".join(r.choice(["cu124", "cu92", "abc", "0", "1", "10", "9", "ubuntu", "g1a2b", "20240101",
                              "123456789012345678901234567890"]) for _ in range(r.choice([1, 1, 2, 3])))


def respell(r, v):
    """Another spelling of the version v."""
    pub, _, loc = v.partition("+")
    out, rest = "", pub
    for word, others in (("rc", ["rc", "c", "pre", "preview", "RC", "Preview"]), ("a", ["a", "alpha", "A", "ALPHA"]),
                         ("b", ["b", "beta", "Beta"]), (".post", ["post", "rev", "r", "POST", "Rev"]),
                         (".dev", ["dev", "DEV", "Dev"])):
        i = rest.find(word)
        if i >= 0:
            tail = rest[i + len(word):]
            new = r.choice(["", ".", "-", "_"]) + r.choice(others) + r.choice(["", ".", "-", "_"])
            if word == ".post" and r.random() < 0.2:
                new = "-"
            if tail[:1] == "0" and (len(tail) == 1 or not tail[1].isdigit()) and r.random() < 0.5 and new != "-":
                tail = tail[1:]
            out, rest = out + rest[:i] + new, tail
    s = out + rest
    if loc:
        s += "+" + "".join(r.choice([".", "-", "_"]) if c == "." else r.choice([c, c.upper()]) for c in loc)
    if r.random() < 0.2:
        s = r.choice("vV") + s
    if r.random() < 0.15:
        s = r.choice([" ", "\t", "\n ", "\x1f", "\u3000"]) + s + r.choice(["", " ", "\r\n"])
    return s


def neighbours(r, base):
    """Versions at and around every boundary that a specifier on base can have."""
    v = parsed(base)
    rel, ep = list(v.release), f"{v.epoch}!" if v.epoch else ""
    dot = lambda ns: ep + ".".join(map(str, ns))
    up, down = rel[:-1] + [rel[-1] + 1], rel[:-1] + [max(rel[-1] - 1, 0)]
    stem = v.public
    trees = [dot(rel), dot(rel + [0]), dot(rel + [0, 0]), dot(rel + [1]), dot(rel + [0, 1]), dot(up), dot(down), stem]
    if len(rel) > 1:
        trees += [dot(rel[:-1]), dot(rel[:-2] + [rel[-2] + 1]), dot(rel[:-2] + [rel[-2] + 1, 0]), dot(rel[:-2] + [max(rel[-2] - 1, 0), rel[-1]])]
    if all(x == 0 for x in rel[1:]):
        trees.append(dot(rel[:1]))
    ends = ["", ".dev0", ".dev1", "a0", "a1", "a1.dev1", "b1", "rc1", "rc1.post1", "rc1.post1.dev0", ".post0", ".post0.dev0",
            ".post1", ".post1.dev0", ".post1.dev1", ".post2", "+1", "+abc", "+abc.1", "+cu124", ".post1+x", "a1+x", ".dev1+x"]
    out = {base: None, v.public: None, v.base_version: None}
    for t in trees:
        for e in ends:
            if t in (dot(rel), stem) or r.random() < 0.22:
                out[t + e] = None
    for k, name in ((v.pre, "pre"), (v.post, "post"), (v.dev, "dev")):
        if k is not None:
            n = k[1] if name == "pre" else k
            for m in (n + 1, max(n - 1, 0)):
                s = (k[0] + str(m)) if name == "pre" else f".{name}{m}"
                out[v.base_version + s] = out[v.base_version + s + "+z"] = out[v.base_version + s + ".dev4"] = None
    out["1!" + v.base_version.split("!")[-1]] = out[v.base_version.split("!")[-1]] = None
    out["0.dev0"] = out[dot([rel[0] + 1])] = out[f"{v.epoch + 1}!0"] = None
    return [respell(r, s) if r.random() < 0.25 else s for s in out if parsed(s)]


def spellings(r, base):
    """Many spellings of one version, some of what is close to it, and specifiers
    that tell them apart: where == and === hold often enough to be compared."""
    v = parsed(base)
    same = [base, *(respell(r, str(v)) for _ in range(16)), str(v), str(v).upper()]
    padded = [f"{v.base_version}{'.0' * k}{v.public[len(v.base_version):]}" for k in (1, 2, 3)]
    others = [v.base_version + end for end in (".dev0", "a0", "a0.post9.dev1", ".post9", ".0.1")]
    near = same + padded + [f"{p}+{local(r)}" for p in (v.public, v.public, padded[0])] + others + ["0.dev0"]
    sets = [op + s for s in (str(v), respell(r, str(v)).strip(), padded[0]) for op in OPS]
    sets += [op + v.base_version + tail for op in ("==", "!=") for tail in (".*", ".0.*")]
    sets += ["===" + s.strip() for s in (str(v), str(v), str(v).upper(), padded[0], v.public, same[3], same[4])]
    return [s for s in near if parsed(s)], [s for s in dict.fromkeys(sets) if valid(s)]


def valid(s):
    try:
        SpecifierSet(s).contains(Version("1"))
        return True
    except (InvalidSpecifier, AssertionError):
        return False


def specifiers(r, base, near):
    v = parsed(base)
    out = {}

    def add(s):
        if valid(s):
            out.setdefault(s)

    for op in OPS:
        gap = r.choice(["", "", " ", "  ", "\t"])
        for s in (base, v.public, v.base_version, v.base_version + ".0", respell(r, v.public), v.base_version + ".dev0",
                  v.base_version + "a1", v.base_version + ".post1", r.choice(near), r.choice(near)):
            add(op + gap + s.strip())
    rel = v.base_version
    for op in ("==", "!="):
        for s in (rel, rel + ".0", rel.rpartition(".")[0] or rel, "v" + rel, rel.split(".")[0], r.choice(near).strip()):
            add(op + s + ".*")
    for s in (base, str(v), r.choice(near).strip(), base.upper(), "not.a.version", ""):
        add("===" + s)
    single = list(out)
    for _ in range(12):
        add(r.choice([",", ", ", " ,", ",,"]).join(r.choice(single) for _ in range(r.choice([2, 2, 3]))) + r.choice(["", ",", " "]))
    return list(out)


def mutate(r, s):
    alphabet = "0123456789.-_+!*abcrdevpostv ~=<>,;()\t\nABC\u00e9\uff11\u0663\u096a\u00b2\u017f\u0131\u00a0"
    for _ in range(r.choice([1, 1, 2, 3])):
        i, how = r.randrange(len(s) + 1), r.random()
        if how < 0.4:
            s = s[:i] + r.choice(alphabet) + s[i:]
        elif how < 0.7:
            s = s[:i] + s[i + 1:]
        else:
            s = s[:i] + r.choice(alphabet) + s[i + 1:]
    return s


INVALID = ["", " ", ".", "1.", ".1", "1..2", "1.0.", "french toast", "1.0+a+", "1.0++", "1.0+_foobar", "1.0+foo&asd", "1.0+1+1",
           "1.0-", "1.0a-", "1.0.post-", "1.0dev-", "1.0a.", "1.0-.1", "1.0--1", "v", "vv1", "v 1", "1!", "!1", "1!!2", "1!2!3",
           "1.0-1-1", "1.0-1.post1", "1.0.dev1.post1", "1.0.dev1a1", "1.0.post1a1", "1 .0", "1.0 a1", "1.0+", "1.0+a..b", "1.0+a.",
           "1.0-0", "1.0-00", "1.0a-1", "1.0a-1-1", "1.0rc-1", "1.0r1", "1.0c1", "1.0preview", "1.0.x", "1,0", "１.0", "1.0+é",
           "1.0a.post.dev", "1.0alphabeta", "1.0ab", "00.01", "1.0a01", "1.0+001.0a", "1.0\x1f", "\x851.0", "1.0\u200b"]


def mask(answers):
    return "%x" % sum(1 << k for k, yes in enumerate(answers) if yes)


def group(near, sets):
    versions = [Version(s) for s in near]
    of = [SpecifierSet(s) for s in sets]
    return {"v": near, "s": sets, "t": [str(ss) for ss in of], "m": [mask(ss.contains(v, prereleases=True) for v in versions) for ss in of]}


def pep440(r, scale):
    """pep440.json.gz: groups: [{v: versions, s: specifier sets, t: their str(),
    m: per set a hex number whose bit i (lowest first) is "contains v[i]"}];
    raw: the same with single specifiers on texts that need not be versions;
    texts: [[text, normalised or null, flags]] (flags: p pre-release, o post,
    d dev); order: texts sorted, each with "<" or "=" against the one before;
    sets: [[text, str() or null]]."""
    groups, valid_texts = [], {}
    for base in FIXED + [random_version(r) for _ in range(9 * scale)]:
        near = neighbours(r, base)
        groups.append(group(near, specifiers(r, base, near)))
        groups.append(group(*spellings(r, base)))
        valid_texts.update(dict.fromkeys(r.sample(near, 25)))
    pool = FIXED + [random_version(r) for _ in range(700 * scale)]
    texts = dict.fromkeys(INVALID + VERSIONS)
    for v in pool:
        texts[r.choice([v, respell(r, v)])] = None
        texts[mutate(r, respell(r, v))] = None
    recorded = []
    for s in texts:
        v = parsed(s)
        if v is not None:
            valid_texts[s] = None
        flags = "" if v is None else "p" * v.is_prerelease + "o" * v.is_postrelease + "d" * v.is_devrelease
        recorded.append([s, None if v is None else str(v), flags])
    order = sorted([*valid_texts, *neighbours(r, "1.0"), *neighbours(r, "1.0rc1.post2.dev3")], key=lambda s: (Version(s), s))
    order = [[s, "<" if i == 0 or Version(order[i - 1]) < Version(s) else "="] for i, s in enumerate(order)]
    sets = dict.fromkeys(SPECIFIERS)
    for _ in range(900 * scale):
        s = r.choice(OPS + ["==="]) + r.choice(["", " "]) + respell(r, random_version(r)).strip() + r.choice(["", "", "", ".*"])
        if r.random() < 0.3:
            s += r.choice([",", " , "]) + r.choice(OPS) + random_version(r)
        sets[s] = sets[mutate(r, s)] = None
    out = []
    for s in sets:
        try:
            ss = SpecifierSet(s)
            [x._canonical_spec for x in ss]
            out.append([s, str(ss)])
        except (InvalidSpecifier, AssertionError):  # letters with odd case folding pass the first and fail the second
            out.append([s, None])
    odd = [s for s in texts if len(s) < 60]
    raw = []
    for _ in range(12 * scale):
        near = r.sample(odd, 40) + VERSIONS[:8]
        of = [s for s in (r.choice(OPS + ["===", "==="]) + r.choice(near).strip() for _ in range(60)) if "," not in s and valid(s)]
        raw.append({"v": near, "s": of, "m": [mask(Specifier(s).contains(t, prereleases=True) for t in near) for s in of]})
    return {"groups": groups, "raw": raw, "texts": recorded, "order": order, "sets": out}
