package s3fs

import (
	"net/http"
	"testing"
)

func TestOperations(t *testing.T) {
	for _, tt := range []struct{ method, url, want string }{
		{"HEAD", "/pub/a", opHead},
		{"GET", "/pub/a", opGet},
		{"GET", "/pub/?list-type=2&prefix=", opList},
		{"GET", "/pub/?location", opOther},
		{"PUT", "/pub/a", opPut},
		{"PUT", "/pub/a?partNumber=1&uploadId=x", opPart},
		{"POST", "/pub/a?uploads", opMultipart},
		{"POST", "/pub/a?uploadId=x", opMultipart},
		{"DELETE", "/pub/a?uploadId=x", opMultipart},
		{"DELETE", "/pub/a", opDelete},
		{"POST", "/pub/?delete", opDelete},
	} {
		for host, store := range map[string]string{
			"127.0.0.1:9000": "127.0.0.1:9000", "pub.s3.example.org": "s3.example.org", "pub.s3.dualstack.eu-central-1.amazonaws.com": "s3.amazonaws.com",
		} {
			r, err := http.NewRequest(tt.method, "http://"+host+tt.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := operation(r, store); got != tt.want {
				t.Errorf("%s %s: got %q, want %q", tt.method, tt.url, got, tt.want)
			}
		}
	}
	for host, store := range map[string]string{"169.254.169.254": "127.0.0.1:9000", "sts.amazonaws.com": "s3.amazonaws.com"} {
		r, err := http.NewRequest("PUT", "http://"+host+"/latest/api/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := operation(r, store); got != opKeys {
			t.Errorf("%s: got %q, want %q", host, got, opKeys)
		}
	}
}
