"""Stands for the Python that gcloud starts: each command runs in a fork of a process that
has gcloud's modules loaded, for loading them is most of what a command takes.

"warm.py serve SOCKET LIB" is that process; it ends with its standard input. "warm.py
SOCKET … LIB/gcloud.py ARGUMENT…" is a command.
"""
import importlib
import json
import os
import socket
import sys
import threading


def serve(address, lib):
    sys.path.insert(0, lib)
    import gcloud
    from googlecloudsdk import gcloud_main

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    learned = open(address + '.modules', 'a+')
    while True:
        connection, _ = listener.accept()
        learned.seek(0, os.SEEK_CUR)
        for name in learned.read().split():
            try:
                importlib.import_module(name)
            except Exception:
                pass  # the command that needs it says so
        if os.fork() == 0:
            listener.close()
            answer(connection, gcloud, learned)
        connection.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def modules():
    return {name for name in sys.modules if name.startswith('googlecloudsdk.')}


def answer(connection, gcloud, learned):
    request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    request = json.loads(request)
    for i, descriptor in enumerate(descriptors):
        os.dup2(descriptor, i)
        os.close(descriptor)
    os.setpgid(0, request['group'])
    os.chdir(request['folder'])
    os.environ.clear()
    os.environ.update(request['environment'])
    sys.argv = request['arguments']
    before, status = modules(), 0
    try:
        gcloud.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    sys.stdout.flush()
    sys.stderr.flush()
    learned.write(''.join(name + '\n' for name in sorted(modules() - before)))
    learned.flush()
    connection.sendall(bytes([status]))
    os._exit(0)


def ask(address, arguments):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    request = {'arguments': arguments, 'folder': os.getcwd(), 'environment': dict(os.environ), 'group': os.getpgid(0)}
    socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
    status = connection.recv(1)
    sys.exit(status[0] if status else 'gcloud: it was killed')


if sys.argv[1] == 'serve':
    serve(*sys.argv[2:])
else:
    ask(sys.argv[1], sys.argv[[a.endswith('gcloud.py') for a in sys.argv].index(True):])
