rewardlang 1
task "put the yellow and white mug to the front of the white mug"
scene "libero_90/KITCHEN_SCENE6_put_the_yellow_and_white_mug_to_the_front_of_the_white_mug"

object mug = white_yellow_mug_1
object porcelain_mug_front = kitchen_table_porcelain_mug_front_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, mug) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
  # 5 cm tell a lift from a push.
  stage lift weight 1 { until lifted(mug, 5 cm) while grasped(mug) }
  stage carry weight 3 { until above(mug, porcelain_mug_front) while grasped(mug) }
  # LIBERO's goal, held or not: the mug is over the zone, less than 10 cm up, even in the
  # air. The episode ends there, before any release.
  stage lower weight 2 {
    until on(mug, porcelain_mug_front)
    while over(mug, porcelain_mug_front)
  }
}

success bddl
