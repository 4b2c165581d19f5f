rewardlang 1
task "pick up the red mug and place it to the right of the caddy"
scene "libero_90/STUDY_SCENE3_pick_up_the_red_mug_and_place_it_to_the_right_of_the_caddy"

object mug = red_coffee_mug_1
object desk_caddy_right = study_table_desk_caddy_right_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, mug) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
  # 5 cm tell a lift from a push.
  stage lift weight 1 { until lifted(mug, 5 cm) while grasped(mug) }
  stage carry weight 3 { until above(mug, desk_caddy_right) while grasped(mug) }
  # LIBERO's goal, held or not: the mug is over the zone, less than 10 cm up, even in the
  # air. The episode ends there, before any release.
  stage lower weight 2 {
    until on(mug, desk_caddy_right)
    while over(mug, desk_caddy_right)
  }
}

success bddl
