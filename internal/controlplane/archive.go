package controlplane

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
)

const (
	uploadAPI  = "upload" // no API of Google's: where signed URLs lead to
	uploadPath = "archives/"
	bucket     = "gcf-v2-uploads"
)

func (s *state) uploadRoutes() []route {
	return []route{{"PUT " + uploadPath + "{archive}", s.upload}}
}

func (s *state) generateUploadURL(*call) (doc, error) {
	s.made++
	object := fmt.Sprintf("%d.zip", s.made)
	return doc{
		"uploadUrl":     s.uploads + uploadPath + object,
		"storageSource": doc{"bucket": bucket, "object": object},
	}, nil
}

func (s *state) upload(in *call) (doc, error) {
	if _, err := zip.NewReader(bytes.NewReader(in.raw), int64(len(in.raw))); err != nil {
		return nil, invalid("The archive is no zip file: %v.", err)
	}
	s.archives[in.vars["archive"]] = in.raw
	return nil, nil
}

// archive is what a function was built from; the function is named by its id.
func (s *state) archive(function string) []byte {
	for name, f := range s.functions {
		if strings.HasSuffix(name, "/"+function) {
			return s.archives[f.text("buildConfig", "source", "storageSource", "object")]
		}
	}
	return nil
}
