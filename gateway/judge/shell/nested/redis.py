"""redis-cli: commands that redis itself marks as reading."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.hosts import let_be_asked
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, sure, table

REDIS: Final = table(
    "-h=literal  -p=number  -s=path  -a=text  --user=literal  --pass=literal  -u=literal  "
    "-n=number  -2  -3  -c",
    "-r=number  -i=number  -t=number  --tls  --sni=literal  --cacert=path  --cacertdir=path  "
    "--cert=path  --key=path",
    "--insecure  --raw  --no-raw  --csv  --json  --quoted-json  --no-auth-warning  --bigkeys  "
    "--memkeys  --keystats",
    "--memkeys-samples=number  --hotkeys  --stat  --latency  --latency-history  --latency-dist  "
    "--scan  --pattern=text",
    "--quoted-pattern=text  --count=number  --show-pushes=literal  --verbose  --version -v  --help  "
    "-4  -6  -e  --top=number",
    "--cursor=number  -d=literal  -D=literal  --name=literal  --quoted-input",
    no=(
        No("--eval=  --ldb  --ldb-sync-mode", "eval", "runs a script"),
        No(
            "--pipe  --pipe-timeout=  -x  -X=",
            "input",
            "takes commands or values from its input",
            Effect.OPENS_DOOR,
        ),
        No("--rdb=  --functions-rdb=", "output", "writes a file", Effect.WRITES_FILE),
        No(
            "--replica  --slave  --cluster=  --cluster-yes  --lru-test=  --intrinsic-latency=  --askpass",
            "mode",
            "is not judged",
            Effect.UNKNOWN,
        ),
    ),
    style="apart",
    first=True,
)
_MODES: Final = (
    "--bigkeys",
    "--memkeys",
    "--hotkeys",
    "--keystats",
    "--stat",
    "--latency",
    "--latency-history",
    "--latency-dist",
    "--scan",
)

# Flag "readonly" of COMMAND in redis 7.2 and 8, without scripts; and what only tells of the server.
_READS: Final = """
    bitcount bitfield_ro bitpos dbsize dump exists expiretime geodist geohash geopos georadius_ro
    georadiusbymember_ro geosearch get getbit getrange hexists hexpiretime hget hgetall hkeys hlen hmget
    hpexpiretime hpttl hrandfield hscan hstrlen httl hvals keys lcs lindex llen lolwut lpos lrange mget
    pexpiretime pfcount pttl randomkey scan scard sdiff sinter sintercard sismember smembers smismember
    sort_ro srandmember sscan strlen substr sunion ttl type xlen xpending xrange xread xrevrange zcard
    zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank
    zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion echo info lastsave ping role
    time monitor subscribe psubscribe ssubscribe wait json.get json.mget json.type json.strlen
    json.objkeys json.objlen json.arrlen json.arrindex ft.info ft._list ft.search ft.aggregate
    ft.explain ts.get ts.mget ts.range ts.revrange ts.mrange ts.info bf.exists bf.mexists bf.info
    cf.exists cf.info cf.count topk.list topk.info cms.query cms.info
"""
_PARTS: Final = {
    "acl": "cat dryrun getuser help list log users whoami",
    "client": "getname getredir help id info list trackinginfo",
    "cluster": "count-failure-reports countkeysinslot getkeysinslot help info keyslot links myid"
    " myshardid nodes replicas shards slaves slots slot-stats",
    "command": "count docs getkeys getkeysandflags help info list",
    "config": "get help",
    "function": "dump help list stats",
    "latency": "doctor graph help histogram history latest",
    "memory": "doctor help malloc-stats stats usage",
    "module": "help list",
    "object": "encoding freq help idletime refcount",
    "pubsub": "channels help numpat numsub shardchannels shardnumsub",
    "script": "exists help",
    "sentinel": "ckquorum get-master-addr-by-name help info-cache master masters myid replicas"
    " sentinels slaves",
    "slowlog": "get help len",
    "xinfo": "consumers groups help stream",
}
_URI: Final = re.compile(r"rediss?://(?:[^@/\s]*@)?([^:/\s]+)(?::([0-9]+))?(?:/[0-9]*)?")


def judge_redis(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``redis-cli …`` and ``valkey-cli …``: one command a call.

    Source: redis-cli's own help, the flags of COMMAND.
    """
    split = REDIS.split("redis-cli", argv[1:])
    for host in split.values("-h"):
        port = split.values("-p")
        let_be_asked("redis-cli", host.text or "", port[-1].text or "" if port else "6379", context)
    for uri in split.values("-u"):
        found = _URI.fullmatch(uri.text or "")
        if found is None:
            raise stop("redis-cli", "host", "redis-cli: which server is asked is not understood.")
        let_be_asked("redis-cli", found[1], found[2] or "6379", context)
    words = split.operands
    head = (*argv[:1], *REDIS.emit(split.given))
    profile = "engine" if split.has("-s") else "net"
    if not words:
        if not any(split.has(mode) for mode in (*_MODES, "--version", "--help")):
            raise stop(
                "redis-cli",
                "door",
                "redis-cli without a command takes them from its input.",
                Effect.OPENS_DOOR,
            )
        return reads(head, "redis-cli only looks.", profile=profile)
    _check_command(words)
    return reads((*head, *words), "The command only reads.", rule="shell.redis.read", profile=profile)


def _check_command(words: tuple[Argument, ...]) -> None:
    name = sure("redis-cli", words[0], "the command").lower()
    if name in _READS.split() or (name == "command" and len(words) == 1):
        return
    if name not in _PARTS:
        raise stop("redis-cli", "command", f"redis-cli: {name} is not known to read.", Effect.CHANGES_DATA)
    part = sure("redis-cli", words[1], "the subcommand").lower() if len(words) > 1 else ""
    if part not in _PARTS[name].split() or (name, part, _text(words, 2)) == ("acl", "log", "reset"):
        raise stop(
            "redis-cli", "command", f"redis-cli: {name} {part} is not known to read.", Effect.CHANGES_DATA
        )
    if (name, part) == ("acl", "log") and len(words) > 2 and words[2].text is None:
        raise stop("redis-cli", "open-word", "redis-cli: acl log takes a number.")


def _text(words: tuple[Argument, ...], place: int) -> str:
    return (words[place].text or "").lower() if len(words) > place else ""
