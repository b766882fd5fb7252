package images
import ("testing";"time")
func hurry(t *testing.T) {
	old := pace
	pace.first, pace.most = time.Millisecond, 20*time.Millisecond
	t.Cleanup(func() { pace = old })
}
