package index

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wheelwright/fault"
)

// failing answers n times with fail, then with ok.
func failing(n int32, fail, ok http.HandlerFunc) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= n {
			fail(w, r)
			return
		}
		ok(w, r)
	}
}

// cut sends half of what it promises and drops the connection.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.Header().Set("Content-Type", jsonType)
	_, _ = w.Write([]byte(`{"files":`))
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestRetries(t *testing.T) {
	ok := body(jsonType, jsonOf(demoFile, "a.whl", sumA))
	for name, fail := range map[string]http.HandlerFunc{
		"429": status(429), "500": status(500), "502": status(502), "503": status(503), "504": status(504), "cut": cut, "no answer": drop,
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on("/simple/demo/", failing(attempts-1, fail, ok))
			c := newClient(t, "", s.simple())
			mustPage(t, c, "demo")
			if len(c.slept) != attempts-1 {
				t.Errorf("slept %v", c.slept)
			}
			for i := 1; i < len(c.slept); i++ {
				if c.slept[i] <= c.slept[i-1] {
					t.Errorf("no backoff: %v", c.slept)
				}
			}
			s.on("/simple/demo/", fail)
			_, err := newClient(t, "", s.simple().WithCredentials("u", "s3cret")).Page(ctx, "demo")
			wantFault(t, err, fault.Temporary, "page of demo", s.URL, "run again")
		})
	}
}

func TestNoRetryWhereNoneHelps(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 410, 501} {
		s := newServer(t)
		s.on("/simple/demo/", status(code))
		c := newClient(t, "", s.simple())
		_, _ = c.Page(ctx, "demo")
		if len(c.slept) != 0 || s.count("") != 1 {
			t.Errorf("%d: %d requests, slept %v", code, s.count(""), c.slept)
		}
	}
	// A certificate that nobody trusts does not mend itself either.
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	c := newClient(t, "", Source{Name: "main", URL: s.URL})
	_, err := c.Page(ctx, "demo")
	wantFault(t, err, fault.Input, "certificate", "SSL_CERT_FILE")
	if len(c.slept) != 0 {
		t.Errorf("slept %v", c.slept)
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{"7": 7 * time.Second, "0": 0, "86400": maxAsked, "soon": 0, "-5": 0,
		"Tue, 14 Nov 2023 22:13:50 GMT": 30 * time.Second} {
		s := newServer(t)
		s.on("/simple/demo/", failing(1, status(503, "Retry-After: "+value), body(jsonType, `{"files":[]}`)))
		c := newClient(t, "", s.simple())
		c.now = func() time.Time { return time.Unix(1_700_000_000, 0) }
		mustPage(t, c, "demo")
		if want = max(want, baseDelay*3/4); len(c.slept) != 1 || c.slept[0] != want {
			t.Errorf("Retry-After %s: slept %v, want %v", value, c.slept, want)
		}
	}
}

func TestStalledBody(t *testing.T) {
	s := newServer(t)
	leave := make(chan struct{})
	defer close(leave)
	s.on("/simple/demo/", failing(1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("{"))
		w.(http.Flusher).Flush()
		<-leave
	}, body(jsonType, `{"files":[]}`)))
	c := newClient(t, "", s.simple())
	c.stall = 30 * time.Millisecond
	mustPage(t, c, "demo")
	if len(c.slept) != 1 || !strings.Contains(c.trace.String(), "cut") {
		t.Errorf("slept %v, trace %q", c.slept, c.trace)
	}
}

func TestDelayIsBounded(t *testing.T) {
	for n := 1; n < 20; n++ {
		for _, j := range []float64{0, 0.999} {
			if d := delay(n, nil, time.Time{}, j); d < baseDelay/2 || d > maxDelay {
				t.Errorf("attempt %d: %v", n, d)
			}
		}
	}
}
