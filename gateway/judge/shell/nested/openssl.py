"""openssl: certificates, keys and requests printed; TLS servers looked at with nothing sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.files import let_be_read
from gateway.judge.shell.nested.hosts import let_be_asked
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import No, Table, sure, table

_NO: Final = (
    No(
        "-out=  -writerand=  -sess_out=  -keylogfile=  -msgfile=",
        "output",
        "writes a file",
        Effect.WRITES_FILE,
    ),
    No(
        "-engine=  -provider=  -provider-path=  -config=  -ssl_client_engine=  -ssl_config=",
        "code",
        "loads code that it names",
    ),
    No(
        "-CAcreateserial  -signkey=  -CA=  -set_serial=  -new  -newkey=  -keyout=  -x509",
        "make",
        "makes a certificate",
        Effect.WRITES_FILE,
    ),
)


def _command(*reads_: str) -> Table:
    return table("-help", *reads_, no=_NO, style="single")


_IN: Final = "-in=path  -inform=word(PEM|DER|pem|der|NET|P12)  -passin=literal  -noout  -text"
_VERIFY: Final = (
    "-CAfile=path  -CApath=path  -no-CAfile  -no-CApath  -untrusted=path  -trusted=path",
    "-purpose=literal  -verbose",
    "-crl_check  -crl_check_all  -CRLfile=path  -partial_chain  -x509_strict  -show_chain  -attime=number",
    "-verify_hostname=literal  -verify_ip=literal  -verify_depth=number  -ignore_critical",
    "-no_check_time  -nameopt=literal",
)
_TABLES: Final[Mapping[str, Table]] = {
    "x509": _command(
        _IN,
        "-subject  -issuer  -dates  -startdate  -enddate  -fingerprint  -serial  -pubkey  -modulus  "
        "-ext=literal  -email",
        "-checkend=number  -checkhost=literal  -checkip=literal  -checkemail=literal  -hash  "
        "-subject_hash  -issuer_hash",
        "-subject_hash_old  -issuer_hash_old  -ocspid  -ocsp_uri  -purpose  -nameopt=literal  "
        "-certopt=literal  -dateopt=literal",
        "-alias  -nocert  -outform=word(PEM|DER|pem|der)  -md5  -sha1  -sha224  -sha256  -sha384  -sha512",
    ),
    "req": _command(_IN, "-verify  -subject  -pubkey  -modulus  -nameopt=literal  -reqopt=literal"),
    "crl": _command(
        _IN,
        "-issuer  -lastupdate  -nextupdate  -fingerprint  -hash  -crlnumber  -CAfile=path  "
        "-CApath=path  -nameopt=literal  -sha256",
    ),
    "pkey": _command(_IN, "-pubin  -pubout  -pubcheck  -check  -text_pub"),
    "rsa": _command(_IN, "-pubin  -pubout  -check  -modulus"),
    "ec": _command(_IN, "-pubin  -pubout  -check  -param_out"),
    "dsa": _command(_IN, "-pubin  -pubout  -modulus"),
    "dhparam": _command(_IN, "-check"),
    "pkcs12": _command(
        "-in=path  -info  -nokeys  -nocerts  -clcerts  -cacerts  -nodes  -noenc  -passin=literal  "
        "-noout  -legacy"
    ),
    "pkcs7": _command(_IN, "-print_certs  -print"),
    "crl2pkcs7": _command(
        "-in=path  -inform=word(PEM|DER|pem|der)  -outform=word(PEM|DER|pem|der)  -nocrl  -certfile=path"
    ),
    "verify": _command(*_VERIFY),
    "version": _command("-a  -b  -d  -e  -f  -m  -o  -p  -r  -v  -c"),
    "ciphers": _command(
        "-v  -V  -s  -stdname  -tls1  -tls1_1  -tls1_2  -tls1_3  -ssl3  -psk  -srp  "
        "-ciphersuites=literal  -convert=literal"
    ),
    "list": _command(
        "-commands  -digest-commands  -digest-algorithms  -cipher-commands  -cipher-algorithms  "
        "-public-key-algorithms",
        "-public-key-methods  -disabled  -1  -verbose  -all-algorithms  -standard-commands  -providers",
    ),
    "asn1parse": _command(
        "-in=path  -inform=word(PEM|DER|pem|der)  -offset=number  -length=number  -i  -dump  "
        "-dlimit=number  -strparse=number  -noout"
    ),
    "dgst": _command(
        "-md5  -sha1  -sha224  -sha256  -sha384  -sha512  -sha3-256  -hex  -c  -r  -binary  "
        "-verify=path  -signature=path"
    ),
    **dict.fromkeys(
        ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), _command("-hex  -c  -r  -binary")
    ),
    "ocsp": _command("-respin=path  -text  -resp_text  -noverify"),
    "errstr": _command(),
    "rand": _command("-hex  -base64"),
    "info": _command(
        "-configdir  -enginesdir  -modulesdir  -dsoext  -dirnamesep  -listsep  -seeds  -cpusettings"
    ),
    "help": _command(),
}
_TALK: Final = _command(
    "-connect=literal  -host=literal  -port=number  -servername=literal  -noservername  -showcerts  "
    "-status  -brief  -quiet",
    "-starttls=literal  -tls1  -tls1_1  -tls1_2  -tls1_3  -no_tls1  -no_tls1_1  -no_tls1_2  "
    "-no_tls1_3  -no_ssl3  -cipher=literal",
    "-ciphersuites=literal  -curves=literal  -groups=literal  -sigalgs=literal  -alpn=literal  "
    "-verify=number  -verify_return_error",
    "-verify_hostname=literal  -verify_quiet  -CAfile=path  -CApath=path  -cert=path  -key=path  "
    "-state  -debug  -msg  -tlsextdebug",
    "-4  -6  -prexit  -ign_eof  -no_ign_eof  -nocommands  -xmpphost=literal  -name=literal  "
    "-reconnect  -security_debug  -trace",
    "-partial_chain  -nameopt=literal  -timeout  -dtls  -dtls1_2  -crlf",
)


def judge_openssl(argv: tuple[Argument, ...], _form: Form, context: ShellContext, _again: Again) -> Finding:
    """Judge ``openssl …``. Source: openssl(1) and its commands' pages, 1.0.2 to 3.5."""
    name = sure("openssl", argv[1], "the command") if len(argv) > 1 else ""
    if name == "s_client":
        return _looked_at(argv, context)
    if name not in _TABLES:
        if not name:
            raise stop(
                "openssl", "door", "openssl without a command takes them from its input.", Effect.OPENS_DOOR
            )
        raise stop("openssl", "command", f"openssl {name} is not known to read.")
    options = _TABLES[name]
    split = options.split("openssl", argv[2:])
    files = (
        *split.operands,
        *(value for each in ("-in", "-CAfile", "-untrusted", "-trusted") for value in split.values(each)),
    )
    let_be_read("openssl", files, context)
    if any(word.known_start[:1] in ("", "-") for word in split.operands):
        raise stop(
            "openssl", "open-word", "openssl: a file that may look like an option; write ./ before it."
        )
    return reads(
        (*argv[:2], *options.emit(split.given), *split.operands),
        f"openssl {name} only prints.",
        rule="shell.openssl.read",
    )


def _looked_at(argv: tuple[Argument, ...], context: ShellContext) -> Finding:
    """Judge ``openssl s_client``: what it is given on its input would be sent, so it gets none."""
    split = _TALK.split("openssl", argv[2:])
    if split.operands:
        raise stop("openssl", "operand", "openssl s_client: name the server with -connect.")
    targets = [each.text or "" for each in split.values("-connect")]
    ports = [each.text or "" for each in split.values("-port")]
    targets += [f"{each.text}:{ports[-1] if ports else '4433'}" for each in split.values("-host")]
    if not targets:
        raise stop("openssl", "host", "openssl s_client: which server is asked is not known.")
    for target in targets:
        host, _, port = target.rpartition(":")
        let_be_asked("openssl", host or target, port, context)
    silent = literals("sh", "-c", 'exec "$@" </dev/null', "sh")
    return reads(
        (*silent, *argv[:2], *_TALK.emit(split.given)),
        "openssl only looks at the server's side.",
        rule="shell.openssl.read",
        profile="net",
    )
