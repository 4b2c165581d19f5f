rewardlang 1
task "put both moka pots on the stove"
scene "libero_10/KITCHEN_SCENE8_put_both_moka_pots_on_the_stove"

object stove = flat_stove_1
object burner = flat_stove_1_cook_region
object left_pot = moka_pot_1
object right_pot = moka_pot_2

all {
  use place_on(left_pot, burner)
  use place_on(right_pot, burner)
  keep burning weight 0.5 { turned_on(stove) }  # already true at reset, and can be undone
}

success bddl
penalty tipped cost 0.1 when not upright(left_pot, 60 deg) or not upright(right_pot, 60 deg)
