package main

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"time"
)

// pace counts polls and how late they started; see the README for the two latenesses.
type pace struct {
	mutex     sync.Mutex
	polls     int64
	errors    int64
	patches   int64
	statuses  int64
	planned   []float32 // milliseconds: start minus the planned start
	requested []float32 // milliseconds: start minus what was asked of the queue
}

type lateness struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (p *pace) count(counter *int64) {
	p.mutex.Lock()
	*counter++
	p.mutex.Unlock()
}

func (p *pace) started(afterPlan, afterRequest time.Duration) {
	p.mutex.Lock()
	p.polls++
	p.planned = append(p.planned, float32(afterPlan.Seconds()*1000))
	p.requested = append(p.requested, float32(afterRequest.Seconds()*1000))
	p.mutex.Unlock()
}

func latenessOf(values []float32) lateness {
	if len(values) == 0 {
		return lateness{}
	}
	sorted := slices.Sorted(slices.Values(values))
	at := func(share float64) float64 { return float64(sorted[int(share*float64(len(sorted)-1))]) }
	return lateness{P50: at(0.50), P99: at(0.99), Max: at(1)}
}

// write appends one line of JSON: all since the line before. The counters go on.
func (p *pace) write(path string) error {
	p.mutex.Lock()
	planned, requested := p.planned, p.requested
	p.planned, p.requested = nil, nil
	line := map[string]any{"polls": p.polls, "errors": p.errors, "capacity_writes": p.patches, "status_writes": p.statuses}
	p.mutex.Unlock()
	line["time"] = float64(time.Now().UnixMilli()) / 1000
	line["lateness_ms"] = latenessOf(planned)
	line["requested_lateness_ms"] = latenessOf(requested)
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(text, '\n'))
	return err
}
