package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sluice/httpd"
)

func TestAListingThatAnotherSendsIsNotRead(t *testing.T) {
	s := serve(t, nil)
	s.write(t, "f", "content")
	resp, err := http.Get(s.url + "/f") // who answers is ready
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	h := handler(s.Server)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if handOver, entries := httpd.PlanToHandOver(h, r); !handOver || entries != 0 {
		t.Errorf("of a listing: handed over %v with %d entries read, want it handed over unread", handOver, entries)
	}
	s.write(t, "index.html", "index")
	if handOver, _ := httpd.PlanToHandOver(h, r); handOver {
		t.Error("a page is handed over")
	}
}
