rewardlang 1
task "put the bowl on the stove"
scene "libero_goal/put_the_bowl_on_the_stove"

object bowl = akita_black_bowl_1
object drawer = wooden_cabinet_1_middle_region
object burner = flat_stove_1_cook_region

seq {
  stage a { until near(gripper, handle(drawer)) and touching(gripper, handle(flat_stove_1)) }
  stage b { until near(gripper, handle(bowl)) }  # error: wrong-kind
  stage c { until near(gripper, handle(wooden_cabinet_1)) }  # error: wrong-kind
  stage d { until near(gripper, handle(burner), 5 cm) }  # error: wrong-kind
  stage e { until near(gripper, handle(drawr)) }  # error: unknown-object
  stage f { until near(gripper, handle()) }  # error: wrong-argument-count
  stage g { until near(gripper, handle(drawer, bowl)) }  # error: wrong-argument-count
  stage h { until near(gripper, handle(handle(drawer))) }  # error: wrong-kind
  stage i { until near(gripper, handle(5 cm)) }  # error: wrong-kind
  stage j { until near(gripper, handel(drawer)) }  # error: wrong-kind
  stage k { until near(gripper, flat_stove_1) }  # error: wrong-kind
  stage l { until grasped(handle(drawer)) }  # error: wrong-kind
  stage p { until near(handle(drawer), drawer) }  # error: same-argument
  stage n { until at_least(dist_xy(handle(drawer), handle(drawer)), 5 cm) }  # error: same-argument
  stage o { until handle(drawer) }  # error: unknown-predicate
  use open_part(handle(drawer))  # error: wrong-kind
  use switch_on(drawer)  # error: wrong-kind
  use place_on(bowl, burner)
}

success bddl
