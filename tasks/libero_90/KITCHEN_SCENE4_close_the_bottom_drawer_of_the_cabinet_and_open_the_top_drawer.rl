rewardlang 1
task "close the bottom drawer of the cabinet and open the top drawer"
scene "libero_90/KITCHEN_SCENE4_close_the_bottom_drawer_of_the_cabinet_and_open_the_top_drawer"

object bottom_drawer = white_cabinet_1_bottom_region
object top_drawer = white_cabinet_1_top_region

# Neither goal waits for the other, so they stand side by side.
all {
  seq bottom_drawer_closed {
    stage reach weight 1 { until near(gripper, handle(bottom_drawer)) }
    # LIBERO's goal: the bottom drawer is pushed in beyond its joint's zero, further than
    # merely shut. A gripper that has left has to reach again.
    stage push weight 3 {
      until closed(bottom_drawer)
      while near(gripper, handle(bottom_drawer), 15 cm)
    }
  }
  seq top_drawer_open {
    stage reach weight 1 { until near(gripper, handle(top_drawer)) }
    # LIBERO's goal: the top drawer is pulled out by more than 14 cm. A gripper that has
    # left has to reach again.
    stage pull weight 3 {
      until open(top_drawer)
      while near(gripper, handle(top_drawer), 8 cm)
    }
  }
}

success bddl
