rewardlang 1
task "close the top drawer of the cabinet and put the black bowl on top of it"
scene "libero_90/KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet_and_put_the_black_bowl_on_top_of_it"

object drawer = wooden_cabinet_1_top_region
object bowl = akita_black_bowl_1
object cabinet_top = wooden_cabinet_1_top_side

# Neither goal waits for the other, so they stand side by side.
all {
  seq drawer_closed weight 1 {
    stage reach weight 1 { until near(gripper, handle(drawer)) }
    # LIBERO's goal: the drawer is pushed in beyond its joint's zero, further than merely
    # shut. A gripper that has left has to reach again.
    stage push weight 3 {
      until closed(drawer)
      while near(gripper, handle(drawer), 15 cm)
    }
  }
  seq bowl_on weight 2 {
    stage reach weight 1 { until near(gripper, bowl) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(bowl) for 3 steps
      while near(gripper, bowl, 8 cm)
    }
    # The cabinet top's rim is 22 cm above the bowl's underside: 24 cm clear it.
    stage lift weight 1 { until lifted(bowl, 24 cm) while grasped(bowl) }
    stage carry weight 3 { until above(bowl, cabinet_top) while grasped(bowl) }
    # LIBERO's goal: the bowl touches, its centre within the edges of the cabinet top.
    stage lower weight 2 { until on(bowl, cabinet_top) while over(bowl, cabinet_top) }
    stage release weight 1 { until released(bowl) while on(bowl, cabinet_top) }
  }
}

success bddl
