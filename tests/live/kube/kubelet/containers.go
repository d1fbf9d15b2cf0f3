package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	look  = 50 * time.Millisecond
	stamp = "2006-01-02T15:04:05.000000000Z07:00"
)

// node has the containers that run, by their folders.
type node struct {
	pods    string
	mutex   sync.Mutex
	running map[string]*exec.Cmd
	begun   map[string]bool
}

func newNode(pods string) *node {
	return &node{pods: pods, running: map[string]*exec.Cmd{}, begun: map[string]bool{}}
}

// keep starts the containers whose argv appears and ends those whose argv disappears.
func (n *node) keep() {
	for ; ; time.Sleep(look) {
		found, _ := filepath.Glob(filepath.Join(n.pods, "*", "*", "*", "argv"))
		wanted := map[string]bool{}
		for _, file := range found {
			wanted[filepath.Dir(file)] = true
		}
		n.mutex.Lock()
		for place := range wanted {
			if !n.begun[place] {
				n.begun[place] = true
				if err := n.start(place); err != nil {
					log.Printf("%s: %v", place, err)
				}
			}
		}
		for place := range n.begun {
			if !wanted[place] {
				delete(n.begun, place)
				if command := n.running[place]; command != nil {
					_ = command.Process.Kill() // what runs below it has --kill-child
				}
			}
		}
		n.mutex.Unlock()
	}
}

// start runs a container's program; the mutex is held.
func (n *node) start(place string) error {
	var argv []string
	text, err := os.ReadFile(filepath.Join(place, "argv"))
	if err == nil {
		err = json.Unmarshal(text, &argv)
	}
	if err != nil {
		return err
	}
	isolated := []string{"--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"}
	command := exec.Command("unshare", append(append(isolated, "--root", filepath.Join(place, "rootfs"), "--"), argv...)...)
	command.Env = environment(place)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	file, err := os.OpenFile(filepath.Join(place, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	out, _ := command.StdoutPipe()
	err2, _ := command.StderrPipe()
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // the container dies with the thread that has started it
		ready <- command.Start()
		var both sync.WaitGroup
		both.Add(2)
		go keepLog(out, "stdout", file, &both)
		go keepLog(err2, "stderr", file, &both)
		both.Wait()
		_ = command.Wait()
		file.Close()
		n.mutex.Lock()
		delete(n.running, place)
		n.mutex.Unlock()
	}()
	if err := <-ready; err != nil {
		return err
	}
	n.running[place] = command
	return nil
}

// keepLog writes a stream's lines in the format of the container runtime interface.
func keepLog(stream io.Reader, name string, file *os.File, done *sync.WaitGroup) {
	defer done.Done()
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		fmt.Fprintf(file, "%s %s F %s\n", time.Now().Format(stamp), name, lines.Text())
	}
}

// environment gives a container's whole environment.
func environment(place string) []string {
	made := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	var own map[string]string
	if text, err := os.ReadFile(filepath.Join(place, "env")); err == nil && json.Unmarshal(text, &own) == nil {
		for name, value := range own {
			made = append(made, name+"="+value)
		}
	}
	return made
}

// pid gives process 1 of a container, or of any container of a pod, as this machine numbers it; 0: none runs.
func (n *node) pid(place string) int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for each, command := range n.running {
		if each != place && filepath.Dir(each) != place {
			continue
		}
		outer := command.Process.Pid
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", outer, outer))
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(children)))
		if err == nil && within(pid) {
			return pid
		}
	}
	return 0
}

// within tells whether a process has come to its program, so that its root is the container's.
func within(pid int) bool {
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && filepath.Base(program) != "unshare"
}

// ExecInContainer runs a program in a container's namespaces.
func (n *node) ExecInContainer(ctx context.Context, place string, _ types.UID, _ string, argv []string,
	in io.Reader, out, errors io.WriteCloser, tty bool, sizes <-chan remotecommand.TerminalSize, _ time.Duration) error {
	pid := n.pid(place)
	if pid == 0 {
		return fmt.Errorf("container not found (%q)", filepath.Base(place))
	}
	enter := []string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/", "--"}
	command := exec.CommandContext(ctx, "nsenter", append(enter, argv...)...)
	command.Env = environment(place)
	if tty {
		command.Env = append(command.Env, "TERM=xterm")
		return exited(runOnTerminal(command, in, out, sizes))
	}
	command.Stdout, command.Stderr = out, errors
	if in != nil {
		// Not command.Stdin: the program's end must not wait for the client's.
		pipe, err := command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, in)
			pipe.Close()
		}()
	}
	return exited(command.Run())
}

func runOnTerminal(command *exec.Cmd, in io.Reader, out io.Writer, sizes <-chan remotecommand.TerminalSize) error {
	terminal, err := pty.Start(command)
	if err != nil {
		return err
	}
	defer terminal.Close()
	go func() {
		for size := range sizes {
			_ = pty.Setsize(terminal, &pty.Winsize{Rows: size.Height, Cols: size.Width})
		}
	}()
	if in != nil {
		go func() { _, _ = io.Copy(terminal, in) }()
	}
	_, _ = io.Copy(out, terminal) // ends with EIO when the program's side is closed
	return command.Wait()
}

// exited tells a program's status in the words of the streaming server; a missing program is an error of the
// runtime's there, with a status of its own, as nsenter and runc have it.
func exited(err error) error {
	if ended, ok := err.(*exec.ExitError); ok {
		status := ended.ExitCode()
		if status < 0 {
			status = 128 + int(ended.Sys().(syscall.WaitStatus).Signal())
		}
		return utilexec.CodeExitError{Err: err, Code: status}
	}
	return err
}

// AttachContainer shows what a container's program prints from now on.
func (n *node) AttachContainer(ctx context.Context, place string, _ types.UID, _ string,
	_ io.Reader, out, errors io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	file, err := os.Open(filepath.Join(place, "log"))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	lines := bufio.NewReader(file)
	partial := ""
	for n.pid(place) != 0 && ctx.Err() == nil {
		line, err := lines.ReadString('\n')
		partial += line
		if err != nil {
			time.Sleep(look)
			continue
		}
		parts := strings.SplitN(partial, " ", 4)
		partial = ""
		to := out
		if parts[1] == "stderr" && errors != nil {
			to = errors
		}
		if _, err := io.WriteString(to, parts[3]); err != nil {
			return nil
		}
	}
	return nil
}
