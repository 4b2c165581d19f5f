# only a comment; error in this line: # error: empty-program
