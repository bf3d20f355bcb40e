package controlplane

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var runtimes = []string{"go122", "go123", "go124", "go125", "go126", "go127", "nodejs22", "python313"}

// functionRegions are those where functions can be. https://cloud.google.com/functions/docs/locations
var functionRegions = []string{
	"africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-south2",
	"asia-southeast1", "asia-southeast2", "australia-southeast1", "australia-southeast2", "europe-central2", "europe-north1",
	"europe-southwest1", "europe-west1", "europe-west10", "europe-west12", "europe-west2", "europe-west3", "europe-west4", "europe-west6",
	"europe-west8", "europe-west9", "me-central1", "me-central2", "me-west1", "northamerica-northeast1", "northamerica-northeast2",
	"southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2",
	"us-west3", "us-west4",
}

var functionID = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkFunction refuses what the real one refuses before it builds.
func (s *state) checkFunction(region string, f doc) error {
	if err := s.checkRegion(region); err != nil {
		return err
	}
	id := lastPart(f.text("name"))
	runtime, account := f.text("buildConfig", "runtime"), f.text("serviceConfig", "serviceAccountEmail")
	build := f.text("buildConfig", "serviceAccount")
	switch {
	case !functionID.MatchString(id):
		return invalid("Invalid resource field value in the request: function_id %q.", id)
	case !slices.Contains(runtimes, runtime):
		return invalid("Runtime %q is not supported on GCF Gen2.", runtime)
	case f.text("buildConfig", "entryPoint") == "":
		return invalid("Function entry point is empty.")
	case s.archives[f.text("buildConfig", "source", "storageSource", "object")] == nil:
		return invalid("The source archive %q was not uploaded.", f.text("buildConfig", "source", "storageSource", "object"))
	case account != "" && !s.hasAccount(account):
		return notFound("Service account projects/-/serviceAccounts/%s was not found.", account)
	case build != "" && !s.hasAccount(lastPart(build)):
		return notFound("Service account %s was not found.", build)
	}
	return errors.Join(checkLabels(f), checkVariables(f), checkMounts(f), checkSize(f))
}

func (s *state) checkRegion(region string) error {
	if slices.Contains(functionRegions, region) {
		return nil
	}
	return &refusal{status: 403, message: fmt.Sprintf("Permission denied on 'locations/%s' (or it may not exist).", region)}
}

// checkVariables refuses those that Cloud Run sets itself.
func checkVariables(f doc) error {
	for name := range f.sub("serviceConfig", "environmentVariables") {
		if name == "PORT" || strings.HasPrefix(name, "K_") || strings.HasPrefix(name, "X_GOOGLE_") {
			return invalid("The following reserved env names were provided: %s. These values are automatically set by the system.", name)
		}
	}
	return nil
}

// checkMounts refuses two secrets below one folder, which only one can be.
func checkMounts(f doc) error {
	secrets := make(map[string]string)
	for _, v := range f.list("serviceConfig", "secretVolumes") {
		volume := asDoc(v)
		path, secret := strings.TrimSuffix(volume.text("mountPath"), "/"), volume.text("secret")
		if other, taken := secrets[path]; taken {
			return invalid("Mount path %q is used by the secrets %s and %s: each secret needs a folder of its own.", path, other, secret)
		}
		secrets[path] = secret
	}
	return nil
}

// checkSize holds what Cloud Run says of CPU and concurrency: less than one CPU
// serves one request at a time.
func checkSize(f doc) error {
	concurrency, _ := f.at("serviceConfig", "maxInstanceRequestConcurrency").(float64)
	cpu := f.text("serviceConfig", "availableCpu")
	if concurrency > 1000 {
		return invalid("Max instance request concurrency %v is not 1 to 1000.", concurrency)
	}
	if concurrency > 1 && (cpu == "" || strings.HasPrefix(cpu, "0.") || strings.HasSuffix(cpu, "m")) {
		return invalid("Could not create or update Cloud Run service. spec.template.spec.container_concurrency: CPU < 1 is not supported with concurrency > 1.")
	}
	return nil
}

// checkStart says why the build or the first instance fails: nil if it does not.
func (s *state) checkStart(f doc) *refusal {
	if failed := s.checkBuild(f); failed != nil {
		return failed
	}
	account := f.text("serviceConfig", "serviceAccountEmail")
	if account == "" {
		account = s.defaultAccount()
	}
	config := f.sub("serviceConfig")
	for _, v := range append(slices.Clone(config.list("secretVolumes")), config.list("secretEnvironmentVariables")...) {
		mounted := asDoc(v)
		if failed := s.checkMounted(mounted, account); failed != nil {
			id := lastPart(f.text("name"))
			failed.message = fmt.Sprintf("Could not create or update Cloud Run service %s, Container Healthcheck failed. %s", id, failed.message)
			return failed
		}
	}
	return nil
}

// checkBuild wants the account that builds to be allowed to: to read the source, and
// to write the image and the log. In a new project the default one is not.
// https://cloud.google.com/functions/docs/securing/build-custom-sa
func (s *state) checkBuild(f doc) *refusal {
	account := lastPart(f.text("buildConfig", "serviceAccount"))
	if account == "" {
		account = s.defaultAccount()
	}
	p := s.policyOf("projects/" + s.project.ID)
	all := p.grants(account, "roles/logging.logWriter") && p.grants(account, "roles/artifactregistry.writer") &&
		p.grants(account, "roles/storage.objectViewer", "roles/storage.objectAdmin")
	if all || p.grants(account, "roles/cloudbuild.builds.builder", "roles/editor", "roles/owner") {
		return nil
	}
	return &refusal{status: 400, message: fmt.Sprintf("Build failed with status: FAILURE. Could not build the function due to a missing permission on the build service account. Please grant roles/cloudbuild.builds.builder to %s.", account)}
}

func (s *state) checkMounted(mounted doc, account string) *refusal {
	id := mounted.text("secret")
	name := s.secretName(id)
	secret := s.secrets[id]
	switch {
	case secret == nil:
		return &refusal{status: 404, message: fmt.Sprintf("Secret %s/versions/latest was not found", name)}
	case secret.latest() == 0:
		return &refusal{status: 404, message: fmt.Sprintf("Secret %s/versions/latest was not found: it has no version that is enabled", name)}
	case !s.mayRead(account, id):
		return &refusal{status: 403, message: fmt.Sprintf("Permission denied on secret: %s/versions/latest for Revision service account %s. The service account used must be granted the 'Secret Manager Secret Accessor' role (roles/secretmanager.secretAccessor) at the secret, project or higher level.", name, account)}
	}
	return nil
}

func (s *state) mayRead(account, secret string) bool {
	project := "projects/" + s.project.ID
	return s.policyOf(project+"/secrets/"+secret).grants(account, "roles/secretmanager.secretAccessor") ||
		s.policyOf(project).grants(account, "roles/secretmanager.secretAccessor", "roles/owner")
}
