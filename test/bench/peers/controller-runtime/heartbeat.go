package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ottoscale.dev/test/bench/peers/controller-runtime/api/v1alpha1"
)

const maxHeartbeatBody = 64 << 10

func breach(config *v1alpha1.HTTPHeartbeat, how string) sample {
	if how != "Breach" {
		return sample{}
	}
	return sample{state: sampleCensored, value: float64(config.TimeoutMilliseconds)}
}

// readHeartbeat times one GET, from sending it to the end of the body.
func readHeartbeat(ctx context.Context, client *http.Client, config *v1alpha1.HTTPHeartbeat) sample {
	timeout := time.Duration(config.TimeoutMilliseconds) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.URL, nil)
	if err != nil {
		return sample{}
	}
	start := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return failedHeartbeat(err, config)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHeartbeatBody))
	took := time.Since(start)
	switch {
	case response.StatusCode >= 500:
		return breach(config, config.OnServerError)
	case !expects(config.ExpectedStatuses, response.StatusCode):
		return sample{}
	case err != nil:
		return failedHeartbeat(err, config)
	case config.BodyContains != "" && !bytes.Contains(body, []byte(config.BodyContains)):
		return sample{}
	}
	return sample{state: sampleValid, value: float64(took.Microseconds()) / 1000}
}

func failedHeartbeat(err error, config *v1alpha1.HTTPHeartbeat) sample {
	if errors.Is(err, context.DeadlineExceeded) {
		return breach(config, config.OnTimeout)
	}
	return sample{}
}

// expects: "204" or "200-299".
func expects(allowed []string, status int) bool {
	for _, one := range allowed {
		low, high, isRange := strings.Cut(one, "-")
		if !isRange {
			high = low
		}
		from, _ := strconv.Atoi(low)
		to, _ := strconv.Atoi(high)
		if from <= status && status <= to {
			return true
		}
	}
	return false
}
