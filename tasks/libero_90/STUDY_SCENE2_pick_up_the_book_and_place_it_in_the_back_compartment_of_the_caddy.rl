rewardlang 1
task "pick up the book and place it in the back compartment of the caddy"
scene "libero_90/STUDY_SCENE2_pick_up_the_book_and_place_it_in_the_back_compartment_of_the_caddy"

object book = black_book_1
object back_compartment = desk_caddy_1_back_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, book) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(book) for 3 steps while near(gripper, book, 8 cm) }
  # The back compartment's rim is 14 cm above the book's underside: 17 cm clear it.
  stage lift weight 1 { until lifted(book, 17 cm) while grasped(book) }
  # The walls are close: over the opening of the back compartment, without a margin.
  stage carry weight 3 { until at_mouth(book, back_compartment) while grasped(book) }
  # LIBERO's goal, held or not: the book's centre is inside the back compartment. The
  # episode ends there, before any release.
  stage lower weight 2 {
    until in(book, back_compartment)
    while over(book, back_compartment)
  }
}

success bddl
