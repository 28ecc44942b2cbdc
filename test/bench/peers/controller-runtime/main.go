// A ScalingPolicy controller on controller-runtime: what Ottoscale is raced against. See ../README.md.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"ottoscale.dev/test/bench/peers/controller-runtime/api/v1alpha1"
)

// keptAlive has as many idle connections as there are polls at once. Redirects are answers.
func keptAlive() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			MaxIdleConns:        0,
			MaxIdleConnsPerHost: 4096,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newManager(namespaces string) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.SchemeBuilder.AddToScheme(scheme))
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	readOnly := true // nothing that comes from the cache is changed
	options := cache.Options{DefaultTransform: cache.TransformStripManagedFields(), DefaultUnsafeDisableDeepCopy: &readOnly}
	if namespaces != "" {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range strings.Split(namespaces, ",") {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Cache: options,
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0"})
}

func start() error {
	metricsOut := flag.String("metrics-out", "", "file that SIGUSR1 and the end append a line of JSON to")
	namespaces := flag.String("watch-namespaces", "", "comma-separated; empty: all")
	concurrent := flag.Int("max-concurrent-reconciles", 1000, "polls at once")
	flag.Parse() // --kubeconfig is the framework's own
	logger := logr.FromSlogHandler(warnings())
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)

	manager, err := newManager(*namespaces)
	if err != nil {
		return err
	}
	pace := &pace{}
	r := &reconciler{Client: manager.GetClient(), cloud: keptAlive(), probe: keptAlive(), pace: pace}
	err = ctrl.NewControllerManagedBy(manager).
		For(&v1alpha1.ScalingPolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: *concurrent}).
		Complete(r)
	if err != nil {
		return err
	}
	write := func() {
		if *metricsOut == "" {
			return
		}
		if err := pace.write(*metricsOut); err != nil {
			logger.Error(err, "metrics are not written")
		}
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			write()
		}
	}()
	err = manager.Start(ctrl.SetupSignalHandler())
	write()
	return err
}

func warnings() slog.Handler {
	return slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})
}

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
