// A kubelet without a container runtime: it takes what the API server asks of a node's kubelet about pods
// (logs, exec, attach, port-forward) with the kubelet's own streaming server, and runs their programs in
// namespaces of their own over a folder.
//
// Its pods stand under --pods as NAMESPACE/POD/CONTAINER with rootfs/, argv (JSON) and env (JSON); it starts
// what appears there, ends what disappears, and writes the program's output to log, in the format of the
// container runtime interface. What an earlier run has logged stands in previous.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	criapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
	remotecommandserver "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // so that it reads the query of logs
	"k8s.io/utils/ptr"
)

const (
	idle     = 4 * time.Hour // as the kubelet's own default
	creation = 30 * time.Second
)

func main() {
	listen := flag.String("listen", "", "address and port")
	pods := flag.String("pods", "", "folder of the pods")
	certificate := flag.String("cert", "", "PEM file of the certificate's chain")
	key := flag.String("key", "", "PEM file of its key")
	clients := flag.String("client-ca", "", "PEM file of the authority of clients' certificates")
	flag.Parse()

	authority := x509.NewCertPool()
	pem, err := os.ReadFile(*clients)
	if err != nil || !authority.AppendCertsFromPEM(pem) {
		log.Fatalf("no authority of clients: %v", err)
	}
	node := newNode(*pods)
	go node.keep()
	server := &http.Server{
		Addr:    *listen,
		Handler: node.routes(),
		TLSConfig: &tls.Config{
			ClientCAs:  authority,
			ClientAuth: tls.RequireAndVerifyClientCert,
			NextProtos: []string{"http/1.1"}, // connections are taken over
		},
	}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

func (n *node) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/containerLogs/{namespace}/{pod}/{container}", n.logs)
	for _, method := range []string{"GET", "POST"} {
		for _, uid := range []string{"", "/{uid}"} {
			routes.HandleFunc(method+" /exec/{namespace}/{pod}"+uid+"/{container}", n.exec)
			routes.HandleFunc(method+" /attach/{namespace}/{pod}"+uid+"/{container}", n.attach)
			routes.HandleFunc(method+" /portForward/{namespace}/{pod}"+uid, n.portForward)
		}
	}
	return routes
}

// place gives the folder of the container, or of the pod, that a request names; it stands for the name in
// what the streaming server calls.
func (n *node) place(request *http.Request) string {
	return filepath.Join(n.pods, request.PathValue("namespace"), request.PathValue("pod"), request.PathValue("container"))
}

func (n *node) exec(answer http.ResponseWriter, request *http.Request) {
	options, err := remotecommandserver.NewOptions(request)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommandserver.ServeExec(answer, request, n, n.place(request), types.UID(""), request.PathValue("container"),
		request.URL.Query()["command"], options, idle, creation, remotecommand.SupportedStreamingProtocols)
}

func (n *node) attach(answer http.ResponseWriter, request *http.Request) {
	options, err := remotecommandserver.NewOptions(request)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommandserver.ServeAttach(answer, request, n, n.place(request), types.UID(""), request.PathValue("container"),
		options, idle, creation, remotecommand.SupportedStreamingProtocols)
}

func (n *node) portForward(answer http.ResponseWriter, request *http.Request) {
	options, err := portforward.NewV4Options(request)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(answer, request, n, n.place(request), types.UID(""), options, idle, creation,
		portforward.SupportedProtocols)
}

// logs answers as the kubelet does (pkg/kubelet/server/server.go, getContainerLogs).
func (n *node) logs(answer http.ResponseWriter, request *http.Request) {
	options := &v1.PodLogOptions{}
	if err := legacyscheme.ParameterCodec.DecodeParameters(request.URL.Query(), v1.SchemeGroupVersion, options); err != nil {
		http.Error(answer, `{"message": "Unable to decode query."}`, http.StatusBadRequest)
		return
	}
	options.Stream = ptr.To(ptr.Deref(options.Stream, v1.LogStreamAll))
	file := "log"
	if options.Previous {
		file = "previous"
	}
	path := filepath.Join(n.place(request), file)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		http.Error(answer, "no such container, or nothing of it is left: "+request.PathValue("container"), http.StatusNotFound)
		return
	}
	out := &flushing{answer}
	answer.Header().Set("Transfer-Encoding", "chunked")
	read := logs.NewLogOptions(options, time.Now())
	if err := logs.ReadLogs(request.Context(), nil, path, n.place(request), read, alive{node: n}, out, out); err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
	}
}

// flushing writes through at once.
type flushing struct{ answer http.ResponseWriter }

func (f *flushing) Write(data []byte) (int, error) {
	written, err := f.answer.Write(data)
	f.answer.(http.Flusher).Flush()
	return written, err
}

// alive tells a follower of logs whether the container still runs; the rest of the interface is never asked.
type alive struct {
	criapi.RuntimeService
	node *node
}

func (a alive) ContainerStatus(_ context.Context, place string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if a.node.pid(place) != 0 {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{State: state}}, nil
}
