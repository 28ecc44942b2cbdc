package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const (
	acceptVersion3 = "application/vnd.heroku+json; version=3"
	maxPage        = 4 << 20
	maxPages       = 100
)

var errNotFound = errors.New("not found")

// formation talks to the Platform API about one process type of one app. Not for concurrent use.
type formation struct {
	client  *http.Client
	apiURL  string
	key     string
	app     string
	process string

	known *knownApp
}

type knownApp struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Maintenance bool   `json:"maintenance"`
	etag        string
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (f *formation) send(ctx context.Context, method, path string, body []byte, header http.Header) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, f.apiURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	request.Header.Set("Accept", acceptVersion3)
	request.Header.Set("Authorization", "Bearer "+f.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s %s: %w", method, path, errNotFound)
	case response.StatusCode == http.StatusNotModified, response.StatusCode/100 == 2:
		return &answer{response.StatusCode, response.Header, text}, nil
	}
	return nil, fmt.Errorf("%s %s: %s", method, path, response.Status)
}

func appPath(app string) string { return "/apps/" + url.PathEscape(app) }

func (f *formation) typePath() string {
	return appPath(f.known.ID) + "/formation/" + url.PathEscape(f.process)
}

// readApp asks for the app by its id, with the ETag of the last answer: mostly 304.
func (f *formation) readApp(ctx context.Context) error {
	which, header := f.app, http.Header{}
	if f.known != nil {
		which = f.known.ID
		if f.known.etag != "" {
			header.Set("If-None-Match", f.known.etag)
		}
	}
	got, err := f.send(ctx, http.MethodGet, appPath(which), nil, header)
	if errors.Is(err, errNotFound) && f.known != nil { // deleted, perhaps made anew under the name
		f.known = nil
		return f.readApp(ctx)
	}
	if err != nil || got.status == http.StatusNotModified {
		return err
	}
	app := &knownApp{etag: got.header.Get("ETag")}
	if err := json.Unmarshal(got.body, app); err != nil {
		return err
	}
	f.known = app
	return nil
}

func (f *formation) readQuantity(ctx context.Context) (int, error) {
	got, err := f.send(ctx, http.MethodGet, f.typePath(), nil, nil)
	if err != nil {
		return 0, err
	}
	var shape struct {
		Quantity int `json:"quantity"`
	}
	err = json.Unmarshal(got.body, &shape)
	return shape.Quantity, err
}

func (f *formation) countReady(ctx context.Context) (int, error) {
	ready, next := 0, "id ..; max=1000;"
	for page := 0; page < maxPages; page++ {
		got, err := f.send(ctx, http.MethodGet, appPath(f.known.ID)+"/dynos", nil, http.Header{"Range": {next}})
		if err != nil {
			return 0, err
		}
		var dynos []struct {
			Type  string `json:"type"`
			State string `json:"state"`
		}
		if err := json.Unmarshal(got.body, &dynos); err != nil {
			return 0, err
		}
		for _, dyno := range dynos {
			if dyno.Type == f.process && (dyno.State == "up" || dyno.State == "idle") {
				ready++
			}
		}
		if got.status != http.StatusPartialContent {
			return ready, nil
		}
		next = got.header.Get("Next-Range")
	}
	return 0, fmt.Errorf("more than %d pages of dynos", maxPages)
}

func (f *formation) read(ctx context.Context) (targetState, error) {
	if err := f.readApp(ctx); err != nil {
		return targetState{}, err
	}
	quantity, err := f.readQuantity(ctx)
	if err != nil {
		return targetState{}, err
	}
	ready, err := f.countReady(ctx)
	app := f.known
	return targetState{appID: app.ID, appName: app.Name, quantity: quantity, ready: ready, maintenance: app.Maintenance}, err
}

func (f *formation) setQuantity(ctx context.Context, quantity int) error {
	_, err := f.send(ctx, http.MethodPatch, f.typePath(), fmt.Appendf(nil, `{"quantity":%d}`, quantity), nil)
	return err
}
