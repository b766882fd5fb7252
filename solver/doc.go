// Package solver chooses the distributions of a lock. It puts the Python
// world (pages, wheel names, METADATA, markers, extras, GPU builds) into the
// terms of solver/engine and puts the engine's answer, or its proof that there
// is none, back into the words of that world.
//
// It is pure: no files, network, clock or goroutines. The caller drives it:
// Step says which facts it needs, Give hands them over, in any order and any
// number, and Learn adds what a proof refuted. A fact counts only where the
// search itself comes to need it, whatever is given or asked for ahead, so
// answer and explanation depend on what the facts say and never on when they
// came.
//
// # Which answer
//
// There is one queue of distributions. It starts with Problem.Requires in the
// user's order. When the first distribution of the queue that is not done has
// its release, what that release needs is appended: its Requires-Dist lines
// that hold for the target, in the order of its METADATA, each distribution
// once. `name[a,b]` puts name in the queue, then each extra, sorted; when an
// extra's turn comes, what it adds is appended. Every distribution takes its
// best release that is not proved to fail together with the releases of those
// before it in the queue. So the answer is the first one in this order: of all
// valid answers, compared along the queue, the one that has the better release
// where two first differ. What was learned on the way never changes it. This
// is PreferOrder.
//
// PreferFreshest, the default, takes of all valid answers those in which the
// distributions of Problem.Requires have the least sum of lags, and of those
// the first one in the order above. The lag of a release is how long it has
// been superseded: D minus the earliest upload of a newer stable release, 0
// where there is none. Newer releases count where the user's own requirements
// and constraints allow them, their page says they can be used, and, under a
// BuildRule, their METADATA too. D is the newest upload among the releases of
// Problem.Requires that their pages say can be used, or Problem.Until. The
// upload of a release is that of the wheel that would be chosen, in whole
// seconds; one with no date does not count. Before the sum come two counts:
// the fewest pre-releases (prerelease if-necessary), then the fewest versions
// of Problem.Keep given up. A version of Problem.Keep counts as neither and has
// no lag.
//
// Better means: the version of an existing lock (Problem.Keep), then stable
// releases newest first, then pre-releases newest first (prerelease
// if-necessary), or plainly newest first (allow), or no pre-releases but those
// the user pins (never). Under a BuildRule the public version alone says what
// is newer; of one public version, a local label of the right CUDA comes
// before none.
//
// # What cannot be chosen
//
// A release has no wheel for the target (or no wheel at all), asks for another
// Python, is yanked (unless the user pins it exactly), is excluded, is built
// for another CUDA or without the machine code asked for, has METADATA that
// cannot be read or asks for a URL that the user did not. Each is a clause with
// its evidence, so an explanation can name it. A missing extra is a warning.
//
// The newest stable release that all requirements of the answer allow must
// not be one that has a source distribution and no wheel for any platform:
// then Step fails and names it, unless Problem.AllowOld has the name or the
// version chosen is the one that Problem.Keep names. The check stands after the
// search, on the answer: which releases requirements allow is known only there.
package solver
