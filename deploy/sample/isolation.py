"""Runs a function where nothing it does can stay behind: in process, mount and network namespaces of its own.

The function runs as the first process of its process namespace. When it ends, or when the process that called
run_isolated() is killed, even by SIGKILL, the kernel kills everything started there; with the last process go its
mounts, network namespaces, links and firewall rules. Needs root (CAP_SYS_ADMIN).
"""

import ctypes
import os
import signal
import sys
import traceback

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_NOSUID_NODEV_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 0x2 | 0x4 | 0x8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def mount(source, target, kind=None, flags=0):
    as_bytes = [None if a is None else os.fsencode(a) for a in (source, target, kind)]
    call("mount", *as_bytes, ctypes.c_ulong(flags), None)


def why_not_possible():
    """Why network namespaces cannot be made here ("they need root"); nothing when they can."""
    if os.geteuid() != 0:
        return "they need root"
    child = os.fork()
    if child == 0:
        try:
            call("unshare", CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
            mount(None, "/", None, MS_REC | MS_PRIVATE)  # not in a chroot, where / is no mount
        except OSError as error:
            os._exit(min(error.errno, 255))
        os._exit(0)
    error = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return f"this machine does not allow them: {os.strerror(error)}" if error else None


def run_isolated(inside, beside=lambda child: None):
    """Runs inside() isolated; returns its exit status, 128 + N when it died of signal N.

    beside(pid) is called here, outside, once the namespaces of `pid` exist; inside() starts when it returns.
    SIGINT and SIGTERM are handed on to the first process inside as SIGTERM.
    """
    netns_folder_is_ours = make_folder("/run/netns")
    ours = os.open("/proc/self/ns/pid", os.O_RDONLY)
    exists_read, exists_write = os.pipe()
    go_read, go_write = os.pipe()
    call("unshare", CLONE_NEWPID)  # for the next child, not for us
    child = os.fork()
    if child == 0:
        os.close(exists_read)
        os.close(go_write)
        first_process(inside, exists_write, go_read)
    call("setns", ours, CLONE_NEWPID)
    for end in (ours, exists_write, go_read):
        os.close(end)
    hand_on = lambda number, frame: os.kill(child, signal.SIGTERM)
    previous = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if os.read(exists_read, 1):
            beside(child)
            os.write(go_write, b"!")
    finally:
        os.close(go_write)
        os.close(exists_read)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for number, handler in previous.items():
            signal.signal(number, handler)
        if netns_folder_is_ours:
            os.rmdir("/run/netns")
    return status if status >= 0 else 128 - status


def make_folder(path):
    try:
        os.mkdir(path)
        return True
    except FileExistsError:
        return False


def first_process(inside, exists_write, go_read):
    """Everything the child does; never returns."""
    status = 1
    try:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        call("unshare", CLONE_NEWNS | CLONE_NEWNET)
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        mount("proc", "/proc", "proc", MS_NOSUID_NODEV_NOEXEC)
        mount("tmpfs", "/run/netns", "tmpfs", 0)
        os.write(exists_write, b"!")
        os.close(exists_write)
        if os.read(go_read, 1):
            status = inside() or 0
    except SystemExit as end:
        if isinstance(end.code, str):
            os.write(2, f"{end.code}\n".encode())
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
