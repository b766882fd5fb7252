#!/usr/bin/env python3
"""Runs the recipes of docs/ci.md as GitHub Actions and GitLab would, against a
docker-registry on loopback that wants a login: the check of a pull request,
with a lock that fits and one that does not; the image, twice, the second time
with the first one's cache; and the lines under "Without a cache".

    scripts/ci-recipe.py

Needs docker-registry, git, make, go, and PyYAML; no network but for Go modules.
Wheelwright is cloned from a copy of this working tree. What `uses:` names is
played: checkout is a copy of the project, cache a folder beside it.
"""
import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
NAME, PASSWORD, SHA = "robot", "a secret: 'with\"signs", "0123456789abcdef0123456789abcdef01234567"
BCRYPT = "$2b$04$HBX/GpxURpkGsIA6qQ2rFOuvaPnDEHuji3xEZUMAQ1yi3.VbLNN/e"  # of PASSWORD
PROFILE = 'name: lab\npython: "3.11"\nrequires: [alpha]\nindexes: [{path: ./dist}]\nimage: {base: scratch}\n'


class Recipes:
    def __init__(self, folder):
        self.dir, self.failed = Path(folder), 0
        text = (ROOT / "docs/ci.md").read_text()
        blocks = dict(re.findall(r"^## (.*?)\n.*?^```\w+\n(.*?)^```", text, re.M | re.S))
        self.github, self.gitlab = yaml.safe_load(blocks["GitHub Actions"]), yaml.safe_load(blocks["GitLab CI"])
        self.lines = blocks["Without a cache"]
        # Go's caches stay where they are; nothing else of this machine's user is seen.
        self.env = {k: v for k, v in os.environ.items() if not re.match(r"WHEELWRIGHT|XDG_|GITHUB_|CI_|DOCKER_|PIP_|UV_", k)}
        for k in ("GOMODCACHE", "GOCACHE", "GOPATH"):
            self.env[k] = subprocess.run(["go", "env", k], capture_output=True, text=True, check=True).stdout.strip()
        self.source, self.project = self.dir / "source", self.dir / "project"

    def sh(self, *cmd, cwd=None, **more):
        return subprocess.run(cmd, cwd=cwd or self.dir, check=True, **more)

    def say(self, ok, text):
        self.failed += not ok
        print(f"  {'ok   ' if ok else 'MISS '} {text}", flush=True)

    # What there is before a pipeline runs.

    def prepare(self):
        """The tree as a repository to clone, a project with its lock, a registry."""
        files = self.sh("git", "ls-files", "-coz", "--exclude-standard", cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
        for f in filter(None, files):
            if (ROOT / f).is_file():
                (self.source / f).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / f, self.source / f)
        commit = ["git", "-c", "user.name=x", "-c", "user.email=x@example.test", "commit", "-qm", "copy"]
        for cmd in ["git", "init", "-q"], ["git", "add", "-A"], commit:
            self.sh(*cmd, cwd=self.source)
        self.sh("make", "-s", "build", cwd=self.source, env=self.env)
        self.ww = self.source / "bin/wheelwright"
        self.project.mkdir()
        for name, more in ("beta", ()), ("alpha", ("--requires", "beta")), ("gamma", ()):
            self.sh(ROOT / "scripts/makewheel.py", self.project / "dist", name, "1.0", "--size", "300000", *more, stdout=subprocess.DEVNULL)
        (self.project / "lab.yaml").write_text(PROFILE)
        env = dict(self.env, XDG_CACHE_HOME=str(self.dir / "own"))
        out = self.sh(self.ww, "build", "-q", "--profile", "./lab.yaml", "--no-wheelhouse", "--to", f"oci:{self.dir}/layout", cwd=self.project, env=env,
                      capture_output=True, text=True).stdout
        self.digest = out.strip().rsplit("@")[-1]

    def registry(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.host = f"localhost:{port}"
        (self.dir / "htpasswd").write_text(f"{NAME}:{BCRYPT}\n")
        (self.dir / "registry.yml").write_text(yaml.safe_dump({
            "version": 0.1, "log": {"level": "error"}, "storage": {"filesystem": {"rootdirectory": str(self.dir / "registry")}},
            "http": {"addr": f"127.0.0.1:{port}"}, "auth": {"htpasswd": {"realm": "test", "path": str(self.dir / "htpasswd")}}}))
        server = subprocess.Popen(["docker-registry", "serve", self.dir / "registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/")
            except urllib.error.HTTPError:
                return server
            except OSError:
                time.sleep(0.1)
        sys.exit("ci-recipe: the registry does not answer")

    def stored(self, repo, tag):
        """The digest that the registry has under a tag."""
        auth = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
        ask = urllib.request.Request(f"http://{self.host}/v2/{repo}/manifests/{tag}", method="HEAD", headers={
            "Authorization": f"Basic {auth}", "Accept": "application/vnd.oci.image.manifest.v1+json"})
        try:
            return urllib.request.urlopen(ask).headers["Docker-Content-Digest"]
        except urllib.error.HTTPError as e:
            return f"status {e.code}"

    # What both kinds of runner do.

    def world(self):
        """A fresh machine: the project checked out, a home, a folder for temporary files."""
        at = Path(tempfile.mkdtemp(dir=self.dir, prefix="job-"))
        shutil.copytree(self.project, at / "work")
        (at / "home").mkdir(), (at / "tmp").mkdir()
        return at

    def bash(self, at, script, env, flags="-e"):
        p = subprocess.run(["bash", *flags.split(), "-c", script], cwd=at / "work", env=env, capture_output=True, text=True)
        self.log += f"+ {script.strip()}\n{p.stdout}{p.stderr}"
        return p.returncode

    def cached(self, path, key, save):
        kept = self.dir / "kept" / hashlib.sha256(key.encode()).hexdigest()
        source, to = (path, kept) if save else (kept, path)
        if source.exists() and not to.exists():
            shutil.copytree(source, to)

    def hashed(self):
        return hashlib.sha256((self.project / "pylock.lab.toml").read_bytes()).hexdigest()

    # GitHub.

    def expand(self, text, steps):
        known = {"vars.REGISTRY": self.host, "vars.WHEELWRIGHT_SOURCE": f"file://{self.source}", "github.actor": NAME,
                 "secrets.GITHUB_TOKEN": PASSWORD, "hashFiles('pylock.lab.toml')": self.hashed(), **steps}
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda m: known[m[1]], text)

    def run_github(self, event):
        """Runs the jobs of an event; gives their outputs, or the step that failed."""
        self.log, outputs = "", {}
        for name, job in self.github["jobs"].items():
            if job["if"] != f"github.event_name == '{event}'":
                continue
            at, steps, save = self.world(), {}, []
            env = dict(self.env, HOME=str(at / "home"), RUNNER_TEMP=str(at / "tmp"), CI="true", GITHUB_REPOSITORY="Team/Lab", GITHUB_SHA=SHA)
            env |= {k: self.expand(v, steps) for k, v in self.github["env"].items()}
            for i, step in enumerate(job["steps"]):
                if "uses" in step:
                    if step["uses"].startswith("actions/cache@"):
                        path, key = at / "home" / step["with"]["path"].removeprefix("~/"), self.expand(step["with"]["key"], steps)
                        self.cached(path, key, save=False)
                        save.append((path, key))
                    continue
                files = {k: at / f"{k}-{i}" for k in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
                for f in files.values():
                    f.touch()
                own = {k: self.expand(v, steps) for k, v in step.get("env", {}).items()}
                if self.bash(at, self.expand(step["run"], steps), env | own | {k: str(v) for k, v in files.items()}):
                    return f"{name}: {step['name']}"
                for line in files["GITHUB_OUTPUT"].read_text().splitlines():
                    key, _, value = line.partition("=")
                    steps[f"steps.{step['id']}.outputs.{key}"] = value
                for line in files["GITHUB_PATH"].read_text().splitlines():
                    env["PATH"] = f"{line}:{env['PATH']}"
            for path, key in save:
                self.cached(path, key, save=True)
            outputs |= {k: self.expand(v, steps) for k, v in job.get("outputs", {}).items()}
        return outputs

    # GitLab.

    def run_gitlab(self, **variables):
        self.log, outputs = "", {}
        for name, job in self.gitlab.items():
            if name == "default" or not self.holds(job["rules"][0]["if"], variables):
                continue
            at = self.world()
            given = {"CI": "true", "CI_JOB_ID": str(time.monotonic_ns()), "CI_PROJECT_DIR": str(at / "work"), "CI_COMMIT_SHA": SHA,
                     "CI_REGISTRY": self.host, "CI_REGISTRY_IMAGE": f"{self.host}/group/lab", "CI_REGISTRY_USER": NAME, "CI_REGISTRY_PASSWORD": PASSWORD,
                     "WHEELWRIGHT_SOURCE": f"file://{self.source}", **variables}
            own = {k: re.sub(r"\$(\w+)", lambda m: given[m[1]], v) for k, v in job.get("variables", {}).items()}
            paths = [at / "work" / p for p in job.get("cache", {}).get("paths", [])]
            for p in paths:
                self.cached(p, "gitlab" + self.hashed(), save=False)
            script = "\n".join(self.gitlab["default"]["before_script"] + job["script"])
            code = self.bash(at, script, self.env | {"HOME": str(at / "home")} | given | own, "-eo pipefail")
            shutil.rmtree(f"/tmp/wheelwright-{given['CI_JOB_ID']}", ignore_errors=True)
            if code:
                return name
            for p in paths:
                self.cached(p, "gitlab" + self.hashed(), save=True)
            if report := job.get("artifacts", {}).get("reports", {}).get("dotenv"):
                outputs |= dict(line.split("=", 1) for line in (at / "work" / report).read_text().splitlines())
        return outputs

    @staticmethod
    def holds(condition, variables):
        left, right = condition.split(" == ")
        value = lambda s: variables.get(s[1:]) if s.startswith("$") else s.strip('"')
        return value(left) is not None and value(left) == value(right)

    # The show.

    def show(self, what, check, push, repo, outputs):
        print(f"== {what}", flush=True)
        self.expect("pull request, the lock fits", check(), {})
        (self.project / "lab.yaml").write_text(PROFILE.replace("[alpha]", "[alpha, gamma]"))
        self.expect("pull request, the lock does not fit", check(), "lock", prefix=True)
        (self.project / "lab.yaml").write_text(PROFILE)
        want = {outputs: self.digest}
        self.expect("image, empty cache", push(), want)
        self.say(re.search(r"wheelhouse .* 2 fetched", self.log) is not None, "its wheels were fetched")
        self.expect("image, the cache kept", push(), want)
        self.say(re.search(r"wheelhouse .* 0 fetched, 2 in the cache", self.log) is not None, "no wheel was fetched again")
        for tag in "lab", SHA:
            got = self.stored(repo, tag)
            self.say(got == self.digest, f"the registry has {repo}:{tag} as {got}")
        self.say(PASSWORD not in self.log, "the password stands in no output")

    def expect(self, what, got, want, prefix=False):
        ok = isinstance(got, str) and got.startswith(want) if prefix else got == want
        self.say(ok, f"{what}: {got or 'passed'}")
        if not ok:
            print("".join(f"      {line}\n" for line in self.log.splitlines()[-15:]), end="")

    def without_cache(self):
        print("== without a cache", flush=True)
        at = self.world()
        self.log, env = "", self.env | {"HOME": str(at / "home"), "REGISTRY": self.host, "PATH": f"{self.ww.parent}:{self.env['PATH']}"}
        login = next(s["run"] for s in self.github["jobs"]["image"]["steps"] if s.get("name") == "Log in")
        code = self.bash(at, login, env | {"NAME": NAME, "PASSWORD": PASSWORD}) or self.bash(at, self.lines, env)
        self.expect("push and digest", code, 0)
        self.say(self.log.count(self.digest) >= 2, "both tell the digest of the build")


def main():
    with tempfile.TemporaryDirectory(prefix="ci-recipe-", ignore_cleanup_errors=True) as folder:
        r = Recipes(folder)
        r.prepare()
        server = r.registry()
        try:
            r.show("GitHub Actions", lambda: r.run_github("pull_request"), lambda: r.run_github("push"), "team/lab", "digest")
            r.show("GitLab CI", lambda: r.run_gitlab(CI_PIPELINE_SOURCE="merge_request_event", CI_DEFAULT_BRANCH="main"),
                   lambda: r.run_gitlab(CI_PIPELINE_SOURCE="push", CI_COMMIT_BRANCH="main", CI_DEFAULT_BRANCH="main"), "group/lab", "DIGEST")
            r.without_cache()
        finally:
            server.terminate()
            server.wait()
    sys.exit(1 if r.failed else 0)


if __name__ == "__main__":
    main()
