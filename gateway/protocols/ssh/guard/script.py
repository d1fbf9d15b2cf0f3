"""What puts the guard on, by an interpreter of the host: given on the command line, never written there.

Both programs do the same: no new privileges, descriptor 9 open on /dev/null, the Landlock domain where one is
asked for, the seccomp filter, then the command. What can't be set up ends with status 125, the command unrun.

The numbers of Landlock's calls, 444 to 446, are the same on every machine.

Arguments, numbers or hexadecimal all of them: prctl's number; ``struct landlock_ruleset_attr``, empty for
none; rights on the writable files; the filter; then the argv.
"""

from __future__ import annotations

from typing import Final

from gateway.protocols.ssh.guard.landlock import WRITABLE

PERL: Final = (
    "sub bad{print STDERR qq(glassgate: the kernel guard could not be set up: $_[0]: $!\\n);exit 125}"
    "($p,$a,$r,$f)=splice@ARGV,0,4;"
    "$^F=9;while(1){open my$n,q(+<),q(/dev/null) or bad(q(/dev/null));push@n,$n;last if fileno$n>=9}"
    "$k=pop@n;fileno$k==9 or bad(q(descriptor 9));undef@n;$^F=2;"
    "syscall($p+0,38,1,0,0,0)==0 or bad(q(no_new_privs));"
    "if($a ne q()){"
    "$a=pack(q(H*),$a);$s=syscall(444,$a,length$a,0);$s>=0 or bad(q(landlock));"
    f"for(qw({' '.join(WRITABLE)}))"
    "{sysopen(my$h,$_,010000000) or next;$b=pack(q(Ql),$r,fileno$h);"
    "syscall(445,$s,1,$b,0)==0 or bad(q(landlock rule))}"
    "syscall(446,$s,0)==0 or bad(q(landlock domain))}"
    "$f=pack(q(H*),$f);$g=pack(q(Sx6P),length($f)/8,$f);"
    "syscall($p+0,22,2,$g,0,0)==0 or bad(q(seccomp));"
    "exec{$ARGV[0]}@ARGV or bad($ARGV[0])"
)

PYTHON: Final = "\n".join(
    (
        "import ctypes,os,struct,sys",
        "c=ctypes.CDLL(None,use_errno=True).syscall",
        "c.restype=ctypes.c_long",
        "def no(w):",
        " w='glassgate: the kernel guard could not be set up: %s: %s\\n'%(w,os.strerror(ctypes.get_errno()))",
        " os.write(2,w.encode());os._exit(125)",
        "def do(w,*a):",
        " r=c(*[x if isinstance(x,ctypes.Array) else ctypes.c_long(x) for x in a])",
        " if r<0:no(w)",
        " return r",
        "p,a,r,f=sys.argv[1:5]",
        "p=int(p)",
        "n=os.open('/dev/null',os.O_RDWR)",
        "os.dup2(n,9)",
        "if n!=9:os.close(n)",
        "os.set_inheritable(9,True)",
        "do('no_new_privs',p,38,1,0,0,0)",
        "if a:",
        " a=bytes.fromhex(a)",
        " s=do('landlock',444,ctypes.create_string_buffer(a,len(a)),len(a),0)",
        f" for w in {' '.join(WRITABLE)!r}.split():",
        "  try:h=os.open(w,0o10000000)",
        "  except OSError:continue",
        "  do('landlock rule',445,s,1,ctypes.create_string_buffer(struct.pack('=Ql',int(r),h),12),0)",
        "  os.close(h)",
        " do('landlock domain',446,s,0)",
        " os.close(s)",
        "f=bytes.fromhex(f)",
        "b=ctypes.create_string_buffer(f,len(f))",
        "g=struct.pack('=H6xQ',len(f)//8,ctypes.addressof(b))",
        "do('seccomp',p,22,2,ctypes.create_string_buffer(g,16),0,0)",
        "try:os.execv(sys.argv[5],sys.argv[5:])",
        "except OSError as e:ctypes.set_errno(e.errno);no(sys.argv[5])",
    )
)


def run_by(interpreter: str) -> tuple[str, ...]:
    """Return the beginning of an argv that puts the guard on.

    Args:
        interpreter: absolute path of a perl or a python3 on the host.
    """
    if "perl" in interpreter.rsplit("/", 1)[-1]:
        return (interpreter, "-f", "-e", PERL, "--")
    return (interpreter, "-I", "-S", "-c", PYTHON)
