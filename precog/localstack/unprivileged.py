"""How PostgreSQL, which refuses to be root, is run when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from precog.errors import LocalStackError


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.run` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Nothing for an ordinary user; for root, one of two ways to not be root."""

    prefix: tuple[str, ...] = ()
    """Put before a command: a user namespace where root has the number of another account. Files stay root's."""
    owner: tuple[int, int] | None = None
    """The uid and gid to change to, where namespaces are forbidden, as in most containers."""

    def identity(self) -> Identity:
        return {} if self.owner is None else {"user": self.owner[0], "group": self.owner[1], "extra_groups": []}

    def own(self, path: Path) -> None:
        """Hands a file or directory over to the account."""
        if self.owner is not None:
            os.chown(path, *self.owner)

    def reach(self, programs: Path, directory: Path) -> Path:
        """`programs` (PACKAGE/pginstall/bin), or a copy below `directory` where the account cannot reach them."""
        if self.owner is None:
            return programs
        directory.chmod(0o711)
        if not _passable(directory / "x"):
            raise LocalStackError(
                f"PostgreSQL refuses to run as root, and the account nobody cannot reach {directory}; "
                f"set PRECOG_HOME to a directory below /var/tmp, or be an ordinary user"
            )
        return programs if _passable(programs / "postgres") else _copy(programs, directory / "programs")


def account() -> Account:
    """The first way that works here; the namespace comes first because it needs no change of owner and no copy."""
    if os.geteuid() != 0:
        return Account()
    return namespace() or nobody()


def namespace() -> Account | None:
    """None where the system does not allow it."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    user = pwd.getpwnam("nobody")  # initdb looks the number up, so the account has to exist
    prefix = (unshare, "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--")
    tried = subprocess.run([*prefix, "/bin/sh", "-c", "exit 0"], capture_output=True, check=False)
    return Account(prefix=prefix) if tried.returncode == 0 else None


def nobody() -> Account:
    user = pwd.getpwnam("nobody")
    return Account(owner=(user.pw_uid, user.pw_gid))


def _passable(path: Path) -> bool:
    """Whether every account may walk to `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def _copy(programs: Path, into: Path) -> Path:
    """The wheel's folder and the folder of its libraries, which has to lie beside it."""
    package = programs.parent.parent
    draft = into.with_name(f"{into.name}.new")
    if not into.exists():
        shutil.rmtree(draft, ignore_errors=True)
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name)
        draft.chmod(0o755)
        draft.rename(into)
    return into / package.name / programs.relative_to(package)
