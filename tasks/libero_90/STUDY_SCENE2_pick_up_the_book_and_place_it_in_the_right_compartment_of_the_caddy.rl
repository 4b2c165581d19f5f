rewardlang 1
task "pick up the book and place it in the right compartment of the caddy"
scene "libero_90/STUDY_SCENE2_pick_up_the_book_and_place_it_in_the_right_compartment_of_the_caddy"

object book = black_book_1
object right_compartment = desk_caddy_1_right_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, book) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(book) for 3 steps while near(gripper, book, 8 cm) }
  # The right compartment's rim is 12 cm above the book's underside: 15 cm clear it.
  stage lift weight 1 { until lifted(book, 15 cm) while grasped(book) }
  # The walls are close: over the opening of the right compartment, without a margin.
  stage carry weight 3 { until at_mouth(book, right_compartment) while grasped(book) }
  # LIBERO's goal, held or not: the book's centre is inside the right compartment. The
  # episode ends there, before any release.
  stage lower weight 2 {
    until in(book, right_compartment)
    while over(book, right_compartment)
  }
}

success bddl
