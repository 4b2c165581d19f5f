rewardlang 1
task "put the black bowl in the bottom drawer of the cabinet and close it"
scene "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"

object bowl = akita_black_bowl_1
object drawer = white_cabinet_1_bottom_region

# The bowl is placed first, then the drawer is shut.
seq {
  seq bowl_in weight 2 while not shut(drawer) {
    stage reach weight 1 { until near(gripper, bowl) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(bowl) for 3 steps
      while near(gripper, bowl, 8 cm)
    }
    # The drawer's rim is 7 cm above the bowl's underside: 10 cm clear it.
    stage lift weight 1 { until lifted(bowl, 10 cm) while grasped(bowl) }
    stage carry weight 3 { until above(bowl, drawer) while grasped(bowl) }
    # LIBERO's goal: the bowl's centre is inside the drawer.
    stage lower weight 2 { until in(bowl, drawer) while over(bowl, drawer) }
    stage release weight 1 { until released(bowl) while in(bowl, drawer) }
  }
  seq drawer_closed weight 1 {
    stage reach weight 1 { until near(gripper, handle(drawer)) }
    # LIBERO's goal: the drawer is pushed in beyond its joint's zero, further than merely
    # shut. A gripper that has left has to reach again.
    stage push weight 3 {
      until closed(drawer)
      while near(gripper, handle(drawer), 15 cm)
    }
  }
}

success bddl
