package controlplane

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strconv"
)

type secret struct {
	doc      doc
	versions []doc // the first is version 1
}

func (s *state) secretRoutes() []route {
	const secret = "v1/projects/{project}/secrets/{secret}"
	return []route{
		{"GET v1/projects/{project}/secrets", s.listSecrets},
		{"POST v1/projects/{project}/secrets", s.createSecret},
		{"GET " + secret, s.describeSecret},
		{"PATCH " + secret, s.updateSecret},
		{"DELETE " + secret, s.deleteSecret},
		{"GET " + secret + ":getIamPolicy", s.getPolicy("projects/%s/secrets/%s", "project", "secret")},
		{"POST " + secret + ":setIamPolicy", s.setPolicy("projects/%s/secrets/%s", "project", "secret")},
		{"POST " + secret + ":addVersion", s.addVersion},
		{"GET " + secret + "/versions", s.listVersions},
		{"POST " + secret + "/versions/{version}:destroy", s.destroyVersion},
	}
}

var secretID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

func (s *state) listSecrets(in *call) (doc, error) {
	var all []doc
	for _, secret := range sorted(s.secrets) {
		all = append(all, secret.doc)
	}
	list, err := filtered(all, in.query.Get("filter"))
	if err != nil {
		return nil, err
	}
	return doc{"secrets": list, "totalSize": len(list)}, nil
}

func (s *state) createSecret(in *call) (doc, error) {
	id := in.query.Get("secretId")
	switch {
	case !secretID.MatchString(id):
		return nil, invalid("The provided Secret ID [%s] does not match the expected format [[a-zA-Z_0-9]+]", id)
	case s.secrets[id] != nil:
		return nil, exists("Secret [projects/%s/secrets/%s] already exists.", s.project.Number, id)
	case in.body.sub("replication") == nil:
		return nil, invalid("Secret.replication must be provided.")
	}
	if err := checkLabels(in.body); err != nil {
		return nil, err
	}
	s.secrets[id] = &secret{doc: in.body.with(doc{"name": s.secretName(id)})}
	return s.secrets[id].doc, nil
}

func (s *state) describeSecret(in *call) (doc, error) {
	secret, err := s.secret(in)
	if err != nil {
		return nil, err
	}
	return secret.doc, nil
}

func (s *state) updateSecret(in *call) (doc, error) {
	secret, err := s.secret(in)
	if err != nil {
		return nil, err
	}
	changed := secret.doc.patch(in.body, in.query.Get("updateMask"))
	if err := checkLabels(changed); err != nil {
		return nil, err
	}
	secret.doc = changed
	return secret.doc, nil
}

func (s *state) deleteSecret(in *call) (doc, error) {
	if _, err := s.secret(in); err != nil {
		return nil, err
	}
	delete(s.secrets, in.vars["secret"])
	delete(s.policies, "projects/"+s.project.ID+"/secrets/"+in.vars["secret"])
	return nil, nil
}

func (s *state) addVersion(in *call) (doc, error) {
	secret, err := s.secret(in)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(in.body.text("payload", "data"))
	if err != nil || len(data) == 0 || len(data) > 64<<10 {
		return nil, invalid("Secret Payload must be 1 to 65536 bytes.")
	}
	sum := strconv.FormatUint(uint64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))), 10)
	if sent := in.body.text("payload", "dataCrc32c"); sent != "" && sent != sum {
		return nil, invalid("The checksum %s of the payload is not %s.", sent, sum)
	}
	version := doc{
		"name":                           fmt.Sprintf("%s/versions/%d", secret.doc.text("name"), len(secret.versions)+1),
		"state":                          "ENABLED",
		"createTime":                     aTime,
		"clientSpecifiedPayloadChecksum": in.body.text("payload", "dataCrc32c") != "",
	}
	secret.versions = append(secret.versions, version)
	return version, nil
}

// listVersions has the newest first.
func (s *state) listVersions(in *call) (doc, error) {
	secret, err := s.secret(in)
	if err != nil {
		return nil, err
	}
	list, err := filtered(slices.Clone(secret.versions), in.query.Get("filter"))
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	return doc{"versions": list, "totalSize": len(list)}, nil
}

func (s *state) destroyVersion(in *call) (doc, error) {
	secret, err := s.secret(in)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(in.vars["version"])
	if err != nil || n < 1 || n > len(secret.versions) {
		return nil, notFound("Secret Version [%s/versions/%s] not found.", secret.doc.text("name"), in.vars["version"])
	}
	version := secret.versions[n-1]
	if version.text("state") == "DESTROYED" {
		return nil, precondition("SecretVersion.state is already DESTROYED.")
	}
	version["state"] = "DESTROYED"
	return version, nil
}

func (s *state) secret(in *call) (*secret, error) {
	secret := s.secrets[in.vars["secret"]]
	if secret == nil {
		return nil, notFound("Secret [projects/%s/secrets/%s] not found.", s.project.Number, in.vars["secret"])
	}
	return secret, nil
}

func (s *state) secretName(id string) string {
	return "projects/" + s.project.Number + "/secrets/" + id
}

// latest is the number of the version that "latest" means; 0 if there is none.
func (s *secret) latest() int {
	for i, v := range slices.Backward(s.versions) {
		if v.text("state") == "ENABLED" {
			return i + 1
		}
	}
	return 0
}
