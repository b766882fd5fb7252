package main

import (
	"os"
	"path/filepath"
	"reflect"

	"wheelwright/profiles"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
	"wheelwright/wheelhouse/whl"
)

// target is one platform that the recording serves.
type target struct {
	tag  tag.Target
	rank *tag.Ranking
	env  pep508.Env
}

// wanted is what the recording starts from: the requirements of every shipped
// profile, those of the cu118 torch in folder cu118, and the profiles'
// different targets.
func wanted(cu118 string) ([]pep508.Requirement, []target, error) {
	var seeds []pep508.Requirement
	var targets []target
	for _, name := range profiles.Names() {
		p, err := profiles.Load(name)
		if err != nil {
			return nil, nil, err
		}
		problem, err := p.Problem()
		if err != nil {
			return nil, nil, err
		}
		seeds = append(append(append(seeds, problem.Requires...), problem.Constraints...), problem.Overrides...)
		targets = addTarget(targets, problem)
	}
	data, err := os.ReadFile(filepath.Join(cu118, "torch-2.7.1+cu118.metadata"))
	if err != nil {
		return nil, nil, err
	}
	torch, err := whl.ParseMetadata(data)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range torch.RequiresDist {
		r, err := pep508.Parse(text)
		if err != nil {
			return nil, nil, err
		}
		for _, t := range targets {
			if r.Marker.Eval(t.env, "") {
				seeds = append(seeds, r)
				break
			}
		}
	}
	return seeds, targets, nil
}

func addTarget(targets []target, p solver.Problem) []target {
	for _, t := range targets {
		if t.tag == p.Target && reflect.DeepEqual(t.env, p.Env) {
			return targets
		}
	}
	return append(targets, target{tag: p.Target, rank: tag.NewRanking(p.Target), env: p.Env})
}
