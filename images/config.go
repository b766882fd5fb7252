package images

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
)

const (
	defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	annotation  = "org.opencontainers.image."
)

// configure is the image's configuration: the base's, then what the
// environment needs, then what the profile sets.
func configure(s *Spec, who Account, blobs []*blob) (*v1.ConfigFile, error) {
	created := s.Created
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	stamp := v1.Time{Time: created.UTC().Truncate(time.Second)}
	config := v1.ConfigFile{OS: "linux", Architecture: s.Base.arch, Created: stamp, RootFS: v1.RootFS{Type: "layers"}}
	told := false // the base's own history tells of its layers
	if s.Base.config != nil {
		config.Config = *s.Base.config.Config.DeepCopy()
		config.Variant = s.Base.config.Variant
		if told = tells(s.Base.config.History) == s.Base.told(); told {
			config.History = slices.Clone(s.Base.config.History)
		}
	}
	for i, b := range blobs {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, b.diffID)
		if told && i < s.Base.told() {
			continue
		}
		config.History = append(config.History, v1.History{Created: stamp, CreatedBy: "wheelwright: " + strings.Join(b.members, ", ")})
	}
	var err error
	if config.Config.Env, err = environment(s, who, config.Config.Env); err != nil {
		return nil, err
	}
	c := &config.Config
	c.Labels = labels(s, c.Labels)
	c.User = cmp.Or(who.User, c.User)
	c.WorkingDir = cmp.Or(s.Workdir, c.WorkingDir)
	if s.Entrypoint != nil || s.Cmd != nil {
		// As in a Dockerfile, an entry point of its own drops the base's command.
		if s.Entrypoint != nil {
			c.Entrypoint, c.Cmd = s.Entrypoint, nil
		}
		if s.Cmd != nil {
			c.Cmd = s.Cmd
		}
	} else if c.Entrypoint == nil && c.Cmd == nil {
		c.Cmd = []string{s.Scheme.Prefix + "/bin/python"}
	}
	return &config, nil
}

// tells is how many layers a history speaks of. Readers refuse an image whose
// history does not speak of every layer.
func tells(history []v1.History) int {
	n := 0
	for _, h := range history {
		if !h.EmptyLayer {
			n++
		}
	}
	return n
}

// environment is the list of variables: the base's in its order, ours, the
// profile's; later ones replace earlier ones of the same name in place.
func environment(s *Spec, who Account, base []string) ([]string, error) {
	var names []string
	values := map[string]string{}
	set := func(name, value string) {
		if _, have := values[name]; !have {
			names = append(names, name)
		}
		values[name] = value
	}
	for _, kv := range base {
		if name, value, _ := strings.Cut(kv, "="); name != "LD_LIBRARY_PATH" { // it overrides the wheels' RUNPATH
			set(name, value)
		}
	}
	set("PATH", s.Scheme.Prefix+"/bin:"+cmp.Or(values["PATH"], defaultPath))
	set("VIRTUAL_ENV", s.Scheme.Prefix)
	if who.Home != "" {
		set("HOME", who.Home)
	}
	if _, have := values["USER"]; who.Name != "" && (who.User != "" || !have) {
		set("USER", who.Name)
	}
	if s.CUDA != "" {
		major, _, _ := strings.Cut(s.CUDA, ".")
		set("NVIDIA_VISIBLE_DEVICES", "all")
		set("NVIDIA_DRIVER_CAPABILITIES", "compute,utility")
		// No minor: a driver of the same major runs it (minor-version compatibility).
		set("NVIDIA_REQUIRE_CUDA", "cuda>="+major+".0")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		switch {
		case name == "LD_LIBRARY_PATH":
			return nil, fault.New(fault.Input, "image.env: LD_LIBRARY_PATH").
				Because("it overrides the RUNPATH by which the wheels find their own CUDA libraries").Try("leave it out")
		case name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(s.Env[name], "\x00"):
			return nil, fault.New(fault.Input, "image.env: %q", name).
				Because("a variable's name is not empty and has no =, and neither it nor its value a NUL").Try("correct it in the profile")
		}
		set(name, s.Env[name])
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n + "=" + values[n]
	}
	return out, nil
}

// labels are the base's, the standard ones, the profile's.
func labels(s *Spec, base map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, base)
	maps.Copy(out, annotations(s))
	maps.Copy(out, s.Labels)
	return out
}

// annotations are the standard descriptions of the image (OCI image-spec,
// annotations).
func annotations(s *Spec) map[string]string {
	out := map[string]string{}
	for key, value := range map[string]string{
		"title": s.Profile, "description": s.Summary, "version": s.LockDigest,
		"base.name": s.Base.Ref, "base.digest": s.Base.Digest,
	} {
		if value != "" {
			out[annotation+key] = value
		}
	}
	if s.Base.kind == baseScratch || s.Base.kind == baseLayout { // a folder's name is a fact of the host
		delete(out, annotation+"base.name")
	}
	created := s.Created
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	out[annotation+"created"] = created.UTC().Format(time.RFC3339)
	return out
}
