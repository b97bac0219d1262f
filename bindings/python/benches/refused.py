"""Who holds what a refused connection leaves under asyncio, and what is left if asyncio drops one reference.

refused.py [ssl|tlsbio]

Prints what is left of a connection whose certificate the client does not trust, by type; the cycle of references that
keeps it; and what is left when asyncio's function that waits for the handshake forgets the future that it waited for.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import ssl
import subprocess
import sys
import textwrap
import types
from collections import Counter, deque
from typing import Any

import peers

COUNT = 20


def name_of(thing: Any) -> str:
    """What it is; with the function, if it is a frame or a traceback."""
    if isinstance(thing, types.FrameType):
        return f"frame of {thing.f_code.co_name}"
    if isinstance(thing, types.TracebackType):
        return f"traceback to {thing.tb_frame.f_code.co_name}"
    return f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")


async def refuse(engine: Any) -> list[Any]:
    """Refuses connections, and answers the objects that are there afterwards and were not before."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    server_context, client_context = peers.contexts_like_ssl(engine, peers.STRANGERS_CA)
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]

    async def connect() -> None:
        try:
            await loop.create_connection(asyncio.Protocol, "localhost", port, ssl=client_context)
        except ssl.SSLCertVerificationError:
            pass

    for _ in range(COUNT):
        await connect()
    await asyncio.sleep(0.2)
    gc.collect()
    before = set(map(id, gc.get_objects()))
    for _ in range(COUNT):
        await connect()
    await asyncio.sleep(0.2)
    left = [thing for thing in gc.get_objects() if id(thing) not in before]
    server.close()
    return [thing for thing in left if not isinstance(thing, (types.FrameType,)) or thing.f_code is not refuse.__code__]


def cycle_through(thing: Any, among: list[Any]) -> list[Any]:
    """The shortest way from an object back to itself."""
    known = {id(other): other for other in among}
    came_from: dict[int, Any] = {}
    waiting = deque([thing])
    while waiting:
        here = waiting.popleft()
        for there in gc.get_referents(here):
            if there is thing:
                way = [here]
                while way[-1] is not thing:
                    way.append(came_from[id(way[-1])])
                return way[::-1]
            if id(there) in known and id(there) not in came_from:
                came_from[id(there)] = here
                waiting.append(there)
    return []


def forget_the_future() -> None:
    """asyncio's function, with a last line that deletes the future that it has waited for."""
    function = asyncio.BaseEventLoop._create_connection_transport
    source = textwrap.dedent(inspect.getsource(function))
    changed = source.replace("        raise\n", "        raise\n    finally:\n        del waiter\n")
    assert changed != source
    names: dict[str, Any] = {}
    exec(compile(changed, "changed", "exec"), function.__globals__, names)
    asyncio.BaseEventLoop._create_connection_transport = names[function.__name__]


def show(left: list[Any]) -> None:
    """By type, and how many are ours."""
    counts = Counter(map(name_of, left))
    for name, count in counts.most_common():
        if count >= COUNT // 2:
            print(f"  {count / COUNT:5.1f}  {name}")
    ours = sum(count for name, count in counts.items() if name.startswith("tlsbio."))
    print(f"  {len(left) / COUNT:5.1f}  in all, {ours / COUNT:.1f} of them of tlsbio's types")


def main() -> None:
    subprocess.run([peers.ROOT / "tests" / "pki" / "make.sh", peers.PKI], check=True)
    engine = ssl if sys.argv[1:] == ["ssl"] else __import__("tlsbio")
    gc.disable()
    left = asyncio.run(refuse(engine))
    print("left by a refused connection:")
    show(left)
    errors = [thing for thing in left if isinstance(thing, ssl.SSLCertVerificationError)]
    print("the cycle, each refers to the next:")
    for thing in cycle_through(errors[0], left):
        print(f"  {name_of(thing)}")
    del left, errors
    gc.collect()
    forget_the_future()
    left = asyncio.run(refuse(engine))
    print("left if asyncio's _create_connection_transport ended with `del waiter`:")
    show(left)


if __name__ == "__main__":
    main()
