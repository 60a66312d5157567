package s3fs

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/minio/minio-go/v7"
)

// copyObject makes a copy of an object in the store, of the version that object describes. If exclusive is set and there is
// one of the key to, the error is fs.ErrExist.
func (s *FS) copyObject(ctx context.Context, object minio.ObjectInfo, to string, exclusive bool) error {
	if object.Size > s.writing.maxCopy {
		return s.copyParts(ctx, object, to, exclusive)
	}
	return s.make(ctx, to, tokenOf(object), object.Size, exclusive, func() error {
		header := ifMatch(object)
		if exclusive && !s.writing.noConditions.Load() {
			header["If-None-Match"] = "*"
		}
		made, err := s.client.CopyObject(ctx, s.bucket, object.Key, s.bucket, to, header, minio.CopySrcOptions{}, minio.PutObjectOptions{})
		if err == nil && made.ETag == "" { // the status was sent before the store knew that it fails
			err = errors.New("a copy has got no tag")
		}
		return err
	})
}

func ifMatch(object minio.ObjectInfo) map[string]string {
	return map[string]string{"X-Amz-Copy-Source-If-Match": `"` + strings.Trim(object.ETag, `"`) + `"`}
}

// copyParts copies an object that is too long for one request.
func (s *FS) copyParts(ctx context.Context, listed minio.ObjectInfo, to string, exclusive bool) error {
	object, err := s.head(ctx, listed.Key) // a listing has no metadata
	if err != nil {
		return err
	}
	if object.ETag != strings.Trim(listed.ETag, `"`) {
		return ErrChanged
	}
	token := rand.Text()
	opt := minio.PutObjectOptions{ContentType: object.ContentType, UserMetadata: map[string]string{}}
	for field, value := range object.UserMetadata {
		opt.UserMetadata[strings.ToLower(field)] = value
	}
	opt.UserMetadata[tokenField] = token
	id, err := s.client.NewMultipartUpload(ctx, s.bucket, to, opt)
	if err != nil {
		return translateWrite(err)
	}
	size := max(s.writing.maxCopy/copyShare, (object.Size+maxParts-1)/maxParts)
	parts := make([]minio.CompletePart, (object.Size+size-1)/size)
	err = inParallel(len(parts), func(i int) error {
		at := int64(i) * size
		n := min(size, object.Size-at)
		part, err := s.client.CopyObjectPart(ctx, s.bucket, object.Key, s.bucket, to, id, i+1, at, n, ifMatch(object))
		if err == nil && part.ETag == "" {
			err = errors.New("a copied part has got no tag")
		}
		parts[i] = part
		return translateWrite(err)
	})
	if err == nil {
		err = s.complete(ctx, to, id, token, object.Size, parts, exclusive)
	}
	if err != nil {
		return errors.Join(err, s.abortMultipart(to, id))
	}
	return nil
}

// copyShare is how many parts a copy of the longest object that needs none would have. Parts are copied in parallel.
const copyShare = 8
