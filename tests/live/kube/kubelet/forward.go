package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"
)

// PortForward joins a stream and a port on the loopback of a pod's network.
func (n *node) PortForward(_ context.Context, place string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	pid := n.pid(place)
	if pid == 0 {
		return fmt.Errorf("nothing of the pod runs")
	}
	connection, err := dialWithin(pid, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer connection.Close()
	go func() {
		_, _ = io.Copy(connection, stream)
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, connection)
	return err
}

// dialWithin connects in the network namespace of a process, whose loopback it raises first.
func dialWithin(pid int, address string) (net.Conn, error) {
	type dialled struct {
		connection net.Conn
		err        error
	}
	done := make(chan dialled)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function, in that namespace
		connection, err := func() (net.Conn, error) {
			namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
			if err != nil {
				return nil, err
			}
			defer namespace.Close()
			if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
				return nil, err
			}
			if err := raiseLoopback(); err != nil {
				return nil, err
			}
			return net.Dial("tcp4", address)
		}()
		done <- dialled{connection, err}
	}()
	result := <-done
	return result.connection, result.err
}

func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback)
}
