rewardlang 1
task "put both moka pots on the stove"
scene "libero_10/KITCHEN_SCENE8_put_both_moka_pots_on_the_stove"

object burner = flat_stove_1_cook_region

all {
  use place_on(moka_pot_1, burner)
  use place_on(moka_pot_2, burner)
}

success bddl  # warning: goal-not-mentioned
