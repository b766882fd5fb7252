"""What must work inside an image of a profile with a GPU: run there by
scripts/runtime.sh as `python inside.py NAME`, NAME one of the functions below,
with this folder also holding tls.pem and tls.key, of a server named localhost
whose certificate a CA of the image's bundle has signed.

Prints one line of what was seen; anything wrong raises.
"""
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent


def imports():
    import accelerate
    import torch
    import transformers

    assert transformers.utils.is_torch_available()
    x = torch.ones(3, 3)
    assert (x @ x).sum().item() == 27
    return f"torch {torch.__version__} (CUDA {torch.version.cuda}), transformers {transformers.__version__}, accelerate {accelerate.__version__}"


def triton():
    """triton's own build of its own driver stub. The driver's library comes from
    the host's GPU driver; where there is none, one of the same symbols stands in
    for the linker and the loader, and no function of it is called."""
    import triton.backends.nvidia.driver as driver

    source = pathlib.Path(driver.__file__).with_name("driver.c")
    out = pathlib.Path(tempfile.mkdtemp())
    include = [f"-I{d}" for d in (driver.include_dirs if hasattr(driver, "include_dirs") else driver.include_dir)]
    import sysconfig

    subprocess.run(["gcc", "-c", "-fPIC", *include, f"-I{sysconfig.get_paths()['include']}", source, "-o", out / "driver.o"], check=True)
    undefined = subprocess.run(["nm", "-u", out / "driver.o"], check=True, capture_output=True, text=True).stdout.split()
    names = [n for n in undefined if n.startswith("cu")]
    assert names, "the stub calls no function of the driver"
    (out / "cuda.c").write_text("".join(f"int {n}(void) {{ return 999; }}\n" for n in names))
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", out / "cuda.c", "-o", out / "libcuda.so.1"], check=True)
    (out / "libcuda.so").symlink_to("libcuda.so.1")
    os.environ["TRITON_LIBCUDA_PATH"] = str(out)
    os.environ["TRITON_CACHE_DIR"] = str(out / "cache")
    import ctypes

    ctypes.CDLL(str(out / "libcuda.so.1"), mode=ctypes.RTLD_GLOBAL)
    from triton.runtime import build

    assert driver._build is build._build
    module = driver.compile_module_from_src(source.read_text(), "cuda_utils")
    return f"{module.__name__} of triton {__import__('triton').__version__} built and loaded: {', '.join(sorted(n for n in dir(module) if not n.startswith('_')))}"


def tls():
    """A handshake with a loopback server that only the bundle's CA vouches for,
    by the bundle and by the hash links; a wrong name is refused."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(HERE / "tls.pem", HERE / "tls.key")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            c, _ = listening.accept()
            try:
                with server.wrap_socket(c, server_side=True) as s:
                    s.sendall(b"hello")
            except (ssl.SSLError, OSError):
                pass

    threading.Thread(target=serve, daemon=True).start()

    def said(context, name):
        with socket.create_connection(listening.getsockname()) as c, context.wrap_socket(c, server_hostname=name) as s:
            return s.recv(5)

    default = ssl.create_default_context()
    hashed = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hashed.load_verify_locations(capath=ssl.get_default_verify_paths().capath)
    assert said(default, "localhost") == said(hashed, "localhost") == b"hello"
    try:
        said(default, "elsewhere")
    except ssl.SSLCertVerificationError:
        return f"{ssl.OPENSSL_VERSION}: {default.cert_store_stats()['x509_ca']} roots, bundle and hash links"
    raise AssertionError("a wrong name was accepted")


def venv():
    place = pathlib.Path(tempfile.mkdtemp()) / "new"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    pip = subprocess.run([place / "bin/pip", "--version"], check=True, capture_output=True, text=True).stdout
    return " ".join(pip.split()[:2])


def zones():
    import datetime
    import time
    import zoneinfo

    at = datetime.datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    assert at.utcoffset() == datetime.timedelta(hours=2)
    assert time.tzname[0] == "UTC"
    return f"{len(zoneinfo.available_timezones())} zones, local time is UTC"


def user():
    import getpass

    assert not any(line.split(":")[2] == str(os.getuid()) for line in open("/etc/passwd")), "this id has a line in /etc/passwd"
    home = os.environ.get("HOME", "")
    return f"id {os.getuid()} is {getpass.getuser()}, home {home}"


print(globals()[sys.argv[1]]())
