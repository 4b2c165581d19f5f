rewardlang 1
task "put the butter at the back in the top drawer of the cabinet and close it"
scene "libero_90/KITCHEN_SCENE10_put_the_butter_at_the_back_in_the_top_drawer_of_the_cabinet_and_close_it"

# Two butters look alike. This one starts in the zone "back"; butter_1 starts in the
# zone "front".
object back_butter = butter_2
object drawer = wooden_cabinet_1_top_region

# The back butter is placed first, then the drawer is shut.
seq {
  seq back_butter_in weight 2 while not shut(drawer) {
    stage reach weight 1 { until near(gripper, back_butter) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(back_butter) for 3 steps
      while near(gripper, back_butter, 8 cm)
    }
    # The drawer's rim is 21 cm above the back butter's underside: 24 cm clear it.
    stage lift weight 1 { until lifted(back_butter, 24 cm) while grasped(back_butter) }
    stage carry weight 3 { until above(back_butter, drawer) while grasped(back_butter) }
    # LIBERO's goal: the back butter's centre is inside the drawer.
    stage lower weight 2 { until in(back_butter, drawer) while over(back_butter, drawer) }
    stage release weight 1 { until released(back_butter) while in(back_butter, drawer) }
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
