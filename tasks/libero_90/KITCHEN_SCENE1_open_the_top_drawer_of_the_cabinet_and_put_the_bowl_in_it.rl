rewardlang 1
task "open the top drawer of the cabinet and put the bowl in it"
scene "libero_90/KITCHEN_SCENE1_open_the_top_drawer_of_the_cabinet_and_put_the_bowl_in_it"

object drawer = wooden_cabinet_1_top_region
object bowl = akita_black_bowl_1

# The drawer is shut at reset: it is opened first.
seq {
  seq drawer_open weight 1 {
    stage reach weight 1 { until near(gripper, handle(drawer)) }
    # LIBERO's goal: the drawer is pulled out by more than 14 cm. A gripper that has left
    # has to reach again.
    stage pull weight 3 { until open(drawer) while near(gripper, handle(drawer), 8 cm) }
  }
  seq bowl_in weight 2 {
    stage reach weight 1 { until near(gripper, bowl) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(bowl) for 3 steps
      while near(gripper, bowl, 8 cm)
    }
    # The drawer's rim is 21 cm above the bowl's underside: 24 cm clear it.
    stage lift weight 1 { until lifted(bowl, 24 cm) while grasped(bowl) }
    stage carry weight 3 { until above(bowl, drawer) while grasped(bowl) }
    # LIBERO's goal, held or not: the bowl's centre is inside the drawer. The episode ends
    # there, before any release.
    stage lower weight 2 { until in(bowl, drawer) while over(bowl, drawer) }
  }
}

success bddl
