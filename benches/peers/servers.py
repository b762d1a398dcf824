"""The servers of T7 and T8, on loopback, each alive for the length of a `with` block."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import product

START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30

# What a careful operator sets for static files: kernel copies, open files kept, no log.
NGINX_CONFIGURATION = """
daemon off;
worker_processes {n_workers};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
    types {{ image/jpeg jpg; }}
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    open_file_cache max=100 inactive=60s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
}}
"""


@contextmanager
def nginx(folder: Path, n_workers: int) -> Iterator[str]:
    """Serves `folder`/files; yields its address."""
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX_CONFIGURATION.format(folder=folder, n_workers=n_workers, port=port)
    )
    # Workers drop to another user, who must be able to enter.
    folder.chmod(0o755)
    command = ["nginx", "-c", str(configuration), "-e", str(folder / "nginx.log")]
    with running(command, f"http://127.0.0.1:{port}/", os.environ) as server:
        yield server.address


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    address: str
    pid: int


@contextmanager
def imgshare(folder: Path) -> Iterator[str]:
    """Serves from an empty data folder with the installed weights; yields its address."""
    with imgshare_process(folder, {}) as server:
        yield server.address


@contextmanager
def imgshare_process(folder: Path, settings: dict[str, str]) -> Iterator[Running]:
    """The same over these settings, by their names in the environment."""
    data = folder / "data"
    data.mkdir()
    (data / "models").symlink_to(product.data_folder() / "models")
    port = free_port()
    # On the terminal as little as the other server; the request log is written.
    environment = product.environment() | {
        "IMGSHARE_LOG_LEVEL": "warn",
        "IMGSHARE_HTTP_METRICS_LISTEN": "off",
    } | settings
    command = [product.binary(), "serve", "--data", data, "--device", "cpu"]
    command += ["--listen", f"127.0.0.1:{port}"]
    address = f"http://127.0.0.1:{port}"
    with running(list(map(str, command)), f"{address}/healthz", environment) as server:
        yield Running(address, server.pid)


@contextmanager
def oximg(images: Path) -> Iterator[str]:
    """Makes variants of the files in `images`, with its defaults; yields its address."""
    port = free_port()
    environment = product.environment() | {
        "PORT": str(port),
        "OXIMG_BIND": "127.0.0.1",
        "IMAGES_DIR": str(images),
    }
    with running([str(oximg_binary())], f"http://127.0.0.1:{port}/", environment) as server:
        yield server.address


def oximg_binary() -> Path:
    """`run` has installed it."""
    return product.work_folder() / "oximg" / "bin" / "oximg"


def oximg_version() -> str:
    return product.run([oximg_binary(), "--version"]).strip()


@contextmanager
def running(command: list[str], probe: str, environment: dict[str, str]) -> Iterator[Running]:
    """Runs `command` until the block ends; enters it once `probe` gets any HTTP answer."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + START_SECONDS_MAX
        while not answers(probe):
            if process.poll() is not None or time.monotonic() > give_up:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.1)
        yield Running(probe.rstrip("/"), process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
