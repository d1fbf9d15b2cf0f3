"""curl and wget: GET and HEAD of listed hosts, printed and nothing else."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.hosts import is_here, let_be_asked
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, Split, single, table

_SENDS: Final = Effect.CHANGES_DATA
CURL: Final = table(
    "-s --silent  -S --show-error  -i --include --show-headers  -I --head  -v --verbose  "
    "-k --insecure  -f --fail",
    "--fail-with-body  --fail-early  -L --location  -H= --header=literal  -u= --user=literal  "
    "-A= --user-agent=literal",
    "-e= --referer=literal  -b= --cookie=literal  -m= --max-time=number  --connect-timeout=number  "
    "--retry=number",
    "--retry-delay=number  --retry-max-time=number  --retry-connrefused  --retry-all-errors  "
    "-w= --write-out=literal",
    "-o= --output=literal  -X= --request=literal  -D= --dump-header=literal  --trace=literal  "
    "--trace-ascii=literal",
    "--trace-time  --stderr=literal  -E= --cert=literal  --cert-type=literal  --key=literal  "
    "--cacert=path  --capath=path  -1 --tlsv1",
    "--tlsv1.0  --tlsv1.1  --tlsv1.2  --tlsv1.3  --tls-max=literal  --ciphers=literal  "
    "--tls13-ciphers=literal",
    "--http1.1  --http1.0 -0  --http2  --http2-prior-knowledge  --http3  --http0.9  -4 --ipv4  "
    "-6 --ipv6  --compressed",
    "-N --no-buffer  -g --globoff  -Z --parallel  --url=text  --path-as-is  --no-progress-meter  "
    "-# --progress-bar",
    "--max-filesize=number  --limit-rate=literal  -r= --range=literal  --resolve=literal  "
    "--keepalive-time=number",
    "--no-keepalive  --tcp-nodelay  --noproxy=literal  --speed-limit=number -Y=number  "
    "--speed-time=number -y=number",
    "--styled-output  --no-styled-output  --raw  --tr-encoding  --basic  --digest  --negotiate  "
    "--ntlm  --anyauth",
    "--oauth2-bearer=literal  --max-redirs=literal  -h=? --help=?  -V --version  -q --disable  "
    "--expect100-timeout=number",
    "--happy-eyeballs-timeout-ms=number  --no-sessionid  --ssl-no-revoke  --curves=literal  --crlfile=path",
    "--no-alpn  --cert-status  --interface=literal  --get -G  -d= --data= --data-ascii=literal  "
    "--data-binary=literal  --data-raw=literal  --data-urlencode=literal",
    no=(
        No(
            "--json=  --url-query=",
            "data",
            "sends data",
            _SENDS,
        ),
        No(
            "-F= --form=  --form-string=  --form-escape  -T= --upload-file=  -a --append  -Q= --quote=",
            "upload",
            "sends data",
            _SENDS,
        ),
        No(
            "-O --remote-name  --remote-name-all  --output-dir=  --create-dirs  "
            "-J --remote-header-name  -C= --continue-at=",
            "output",
            "writes a file",
            Effect.WRITES_FILE,
        ),
        No(
            "-c= --cookie-jar=  --libcurl=  --etag-save=  --hsts=  --alt-svc=  --xattr  -R --remote-time",
            "output",
            "writes a file",
            Effect.WRITES_FILE,
        ),
        No("-K= --config=", "config", "takes options from a file", Effect.UNKNOWN),
        No(
            "-x= --proxy=  --preproxy=  --socks4=  --socks4a=  --socks5=  --socks5-hostname=  "
            "--connect-to=  --doh-url=  --dns-servers=",
            "proxy",
            "speaks to another host",
            Effect.REACHES_OUT,
        ),
        No(
            "--location-trusted",
            "redirects",
            "follows where it is sent, with the password",
            Effect.REACHES_OUT,
        ),
        No(
            "--unix-socket=  --abstract-unix-socket=",
            "socket",
            "speaks to a local socket, which may be a door",
            Effect.OPENS_DOOR,
        ),
        No(
            "--engine=  --telnet-option= -t=  --netrc -n  --netrc-file=  --netrc-optional  --next -:",
            "unknown-option",
            "is not judged",
            Effect.UNKNOWN,
        ),
    ),
    style="apart",
)
_NOWHERE: Final = frozenset(["-", "/dev/null", "/dev/stdout", "/dev/stderr"])
_URL: Final = re.compile(
    r"(?:(https?)://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^\s]*)?", re.IGNORECASE
)
_HEADERS: Final = re.compile(
    r"(host|accept(-[a-z]+)?|user-agent|authorization|cookie|range|if-[a-z-]+|referer|origin|cache-control|pragma"
    r"|content-type|x-forwarded-(for|proto|host|port)|x-real-ip|x-request-id|x-correlation-id|x-api-key|x-auth-token"
    r"|x-vault-token|x-vault-namespace|x-consul-token|x-scope-orgid|traceparent|metadata-flavor)\s*(:[^\r\n]*|;)",
    re.IGNORECASE,
)


def judge_curl(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``curl …``: GET, HEAD and OPTIONS of one host after the other; redirects are not followed.

    Source: curl(1), 7.29 to 8.14.
    """
    split = CURL.split("curl", argv[1:])
    if (told := about(CURL, argv[0], split, "-V", "-h")) is not None:
        return told
    _check_curl(split)
    resolved = _resolved(split)
    urls = (*split.values("--url"), *split.operands)
    if not urls:
        raise stop("curl", "no-url", "curl: there is no URL.")
    asked = tuple(_url("curl", url, context, resolved) for url in urls)
    given = CURL.emit(split.without("-L", "-q", "--url", "--max-redirs"))
    return reads(
        (
            *argv[:1],
            *literals("-q", "--proto", "=http,https"),
            *given,
            *(word for url in asked for word in (Argument("--url"), url)),
        ),
        "curl only asks, and prints the answer.",
        rule="shell.curl.read",
        profile="net",
    )


def _check_curl(split: Split) -> None:
    _check_data(split)
    for method in split.values("-X"):
        if method.text not in ("GET", "HEAD", "OPTIONS"):
            raise stop(
                "curl", "method", f"curl -X {method.text} may change what it asks.", Effect.CHANGES_DATA
            )
    for option in ("-o", "-D", "--trace", "--trace-ascii", "--stderr"):
        for file in split.values(option):
            if file.text not in _NOWHERE:
                raise stop("curl", "output", f"curl {option} writes a file.", Effect.WRITES_FILE)
    for shown in split.values("-w"):
        if (shown.text or "").startswith("@") or "%output" in (shown.text or ""):
            raise stop(
                "curl",
                "output",
                "curl -w would take its format from a file, or write one.",
                Effect.WRITES_FILE,
            )
    for header in split.values("-H"):
        if not _HEADERS.fullmatch(header.text or ""):
            raise stop("curl", "header", f"curl: what the header {header.text} does is not known.")
    for cookie in split.values("-b"):
        if "=" not in (cookie.text or ""):
            raise stop("curl", "cookie", "curl -b would take cookies from a file.")
    for option in ("-A", "-e", "-u", "-r", "--oauth2-bearer", "-b"):
        if any("\r" in (each.text or "") or "\n" in (each.text or "") for each in split.values(option)):
            raise stop("curl", "header", "curl: a line's end in a header is not understood.")
    for option in ("-E", "--key"):
        if any(":" in (each.text or "") for each in split.values(option)):
            raise stop("curl", "key", "curl would ask an engine for that key.")


def _check_data(split: Split) -> None:
    """Let data be sent in the URL, or with a GET that says it is one; never a file's."""
    asks = split.has("-G") or (split.has("-X") and {each.text for each in split.values("-X")} == {"GET"})
    for option in ("-d", "--data-binary", "--data-raw", "--data-urlencode"):
        for value in split.values(option):
            text = value.text or ""
            if not asks:
                raise stop("curl", "data", f"curl {option} sends data.", _SENDS)
            # --data-urlencode takes name@file too, where there is no = in it.
            names_file = text.startswith("@") or (
                option == "--data-urlencode" and "@" in text and "=" not in text
            )
            if names_file and option != "--data-raw":
                raise stop("curl", "data", f"curl {option} would send a file.", _SENDS)


def _resolved(split: Split) -> frozenset[str]:
    """Hosts that ``--resolve`` points to this one."""
    found = set()
    for each in split.values("--resolve"):
        host, _, rest = (each.text or "").lstrip("+").partition(":")
        _, _, address = rest.partition(":")
        if not is_here(address):
            raise stop("curl", "host", "curl --resolve would point to another host.", Effect.REACHES_OUT)
        found.add(host.lower())
    return frozenset(found)


def _url(command: str, url: Argument, context: ShellContext, here: frozenset[str] = frozenset()) -> Argument:
    """Return a URL with its scheme, where its host may be asked."""
    url = single(command, url)
    start = url.known_start
    found = _URL.fullmatch(start)
    if found is None or (url.text is None and not found[4]):
        raise stop(command, "url", f"{command}: which host is asked must be written out.")
    scheme, host, port = found[1], found[2], found[3] or ""
    if host.lower() not in here:
        let_be_asked(command, host.lower(), port, context)
    if scheme:
        return url
    if url.text is None:
        raise stop(command, "url", f"{command}: begin the URL with http:// or https://.")
    return Argument(f"http://{start}")


WGET: Final = table(
    "-q --quiet  -v --verbose  -nv --no-verbose  -O= --output-document=literal  -S --server-response  "
    "--spider",
    "-T= --timeout=number  --connect-timeout=number  --read-timeout=number  --dns-timeout=number  "
    "-t= --tries=number",
    "--header=literal  -U= --user-agent=literal  --user=literal  --password=literal  "
    "--no-check-certificate  -4 --inet4-only",
    "-6 --inet6-only  --no-proxy  --ca-certificate=path  --max-redirect=number  --no-cache  --no-hsts  "
    "--content-on-error",
    "--retry-connrefused  --waitretry=number  --progress=literal  --show-progress  --no-cookies  "
    "--no-config  -h --help  -V --version",
    no=(
        No("--post-data=  --post-file=  --body-data=  --body-file=  --method=", "data", "sends data", _SENDS),
        No(
            "-e= --execute=  --config=  --use-askpass=  -i= --input-file=",
            "config",
            "takes commands or addresses from elsewhere",
        ),
        No(
            "-b --background  -o= --output-file=  -a= --append-output=  -P= --directory-prefix=  "
            "-c --continue  -N --timestamping"
            "  -r --recursive  -m --mirror  -p --page-requisites  -k --convert-links  --save-cookies=  "
            "-x --force-directories"
            "  --warc-file=  --content-disposition  --hsts-file=  --rejected-log=",
            "output",
            "writes files",
            Effect.WRITES_FILE,
        ),
    ),
)


def judge_wget(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``wget …``: to standard output or only looking; without redirects or a configuration.

    Source: wget(1), 1.14 to 1.25.
    """
    split = WGET.split("wget", _spelled(argv[1:]))
    if (told := about(WGET, argv[0], split, "-h", "-V")) is not None:
        return told
    outputs = {each.text for each in split.values("-O")}
    if not split.has("--spider") and not (outputs and outputs <= _NOWHERE):
        raise stop("wget", "output", "wget writes a file; with -O - it prints it.", Effect.WRITES_FILE)
    if outputs - _NOWHERE:
        raise stop("wget", "output", "wget -O writes a file.", Effect.WRITES_FILE)
    for header in split.values("--header"):
        if not _HEADERS.fullmatch(header.text or ""):
            raise stop("wget", "header", f"wget: what the header {header.text} does is not known.")
    if any("\n" in (each.text or "") or "\r" in (each.text or "") for each in split.values("-U")):
        raise stop("wget", "header", "wget: a line's end in a header is not understood.")
    if not split.operands:
        raise stop("wget", "no-url", "wget: there is no URL.")
    urls = tuple(_url("wget", url, context) for url in split.operands)
    given = WGET.emit(split.without("--max-redirect", "--no-config", "--no-hsts"))
    return reads(
        (
            *argv[:1],
            *literals("--no-config", "--no-hsts", "--max-redirect=0"),
            *given,
            *literals("--"),
            *urls,
        ),
        "wget only asks, and prints the answer.",
        rule="shell.wget.read",
        profile="net",
    )


def _spelled(words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Write wget's ``-nv`` as the long option that it is."""
    return tuple(Argument("--no-verbose") if word.text == "-nv" else word for word in words)
