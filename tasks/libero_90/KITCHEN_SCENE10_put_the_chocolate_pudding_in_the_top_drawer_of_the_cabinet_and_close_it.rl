rewardlang 1
task "put the chocolate pudding in the top drawer of the cabinet and close it"
scene "libero_90/KITCHEN_SCENE10_put_the_chocolate_pudding_in_the_top_drawer_of_the_cabinet_and_close_it"

object pudding = chocolate_pudding_1
object drawer = wooden_cabinet_1_top_region

# The pudding is placed first, then the drawer is shut.
seq {
  seq pudding_in weight 2 while not shut(drawer) {
    stage reach weight 1 { until near(gripper, pudding) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(pudding) for 3 steps
      while near(gripper, pudding, 8 cm)
    }
    # The drawer's rim is 21 cm above the pudding's underside: 24 cm clear it.
    stage lift weight 1 { until lifted(pudding, 24 cm) while grasped(pudding) }
    stage carry weight 3 { until above(pudding, drawer) while grasped(pudding) }
    # LIBERO's goal: the pudding's centre is inside the drawer.
    stage lower weight 2 { until in(pudding, drawer) while over(pudding, drawer) }
    stage release weight 1 { until released(pudding) while in(pudding, drawer) }
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
