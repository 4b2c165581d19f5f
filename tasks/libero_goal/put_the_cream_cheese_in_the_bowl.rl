rewardlang 1
task "put the cream cheese in the bowl"
scene "libero_goal/put_the_cream_cheese_in_the_bowl"

object cheese = cream_cheese_1
object bowl = akita_black_bowl_1

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, cheese) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(cheese) for 3 steps
    while near(gripper, cheese, 8 cm)
  }
  # The bowl's rim is 5 cm above the cheese's underside: 8 cm clear it.
  stage lift weight 1 { until lifted(cheese, 8 cm) while grasped(cheese) }
  # Anywhere over the bowl will do here; lowering has to centre.
  stage carry weight 3 { until above(cheese, bowl) while grasped(cheese) }
  # LIBERO's goal, held or not: the cheese touches the bowl, their centres less than 3 cm
  # apart. The episode ends there, before any release.
  stage lower weight 2 { until on(cheese, bowl) while over(cheese, bowl) }
}

success bddl
