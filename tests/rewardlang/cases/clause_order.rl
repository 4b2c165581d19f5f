rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq {
  stage a { while grasped(milk) until lifted(milk, 8 cm) }  # error: clause-order
  stage b { until in(milk, basket) while over(milk, basket) progress dist(milk, basket) from reset to 0 cm }  # error: clause-order
  stage c { until grasped(milk) until lifted(milk, 8 cm) }  # error: repeated-clause
  stage d live weight 2 { until grasped(milk) }  # error: clause-order
  stage e { weight 2 until grasped(milk) }  # error: clause-order
  stage f while grasped(milk) { until lifted(milk, 8 cm) }  # error: clause-order
  stage g { while grasped(milk) }  # error: syntax
  stage h { }  # error: syntax
  use place_in(milk, basket) weight 2 as again  # error: clause-order
  seq weight 2 weight 3 { stage i { until grasped(milk) } }  # error: repeated-clause
  stage k weight { until grasped(milk) }  # error: syntax
}

success bddl
